import { messageOf, TransientError } from '../../shared/contract/failure.ts';
import type { Example } from '../../shared/contract/example.ts';
import type { Outcome } from '../../shared/contract/work.ts';
import { failpoint } from '../../shared/process/failpoint.ts';
import { StopError } from './stop.ts';
import type { Judge, Occasion } from './types/judge.ts';

/** One text to judge. `id` is its textId. */
export interface Question {
  example: Example;
  id: string;
  text: string;
  /** What another checkpoint answered, for a judge that compares the two. */
  opponent?: string | undefined;
  /** How often it was asked before. */
  repeat?: number | undefined;
}

/** Answers one question; TransientError where asking again may help, StopError where a person must help first; all else that a judge throws leaves the text unscored. */
export type Ask = (question: Question, signal: AbortSignal) => Promise<Outcome>;

/**
 * Asks a judge in this process, of a unit where there is one. Failpoint `judge.text.<first 8 of the text's id>`: a drill's text that kills whoever judges it.
 */
export function askHere(judge: Judge, of: Omit<Occasion, 'repeat'> = {}): Ask {
  return async ({ example, id, text, repeat, opponent }, signal) => {
    await failpoint(`judge.text.${id.slice(0, 8)}`);
    const { instruction, history, context, question, references, constraints } = example;
    const row = { instruction, history, context, question, references, constraints, opponent };
    try {
      return await judge.judge(row, text, signal, { ...of, repeat });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TransientError || error instanceof StopError) throw error;
      return { outcome: 'unscored', reason: `the judge failed: ${messageOf(error)}` };
    }
  };
}
