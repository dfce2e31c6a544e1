import { z } from 'zod';
import { Fact } from '../../../shared/contract/facts.ts';
import { linesOf } from '../../local/reset-loop.ts';

/** A line of `reset-loop … --json`. Facts of the journal have a position. */
export const RunEvent = z.looseObject({
  event: z.string(),
  position: z.int().optional(),
  at: z.number().optional(),
});
export type RunEvent = z.infer<typeof RunEvent>;

/**
 * Starts the run of a run file, or goes on with it, to its end. Returns its journal; a finished run is read from the ledger. Throws
 * where it did not come to its end by its own rules.
 */
export async function carryOut(
  file: string,
  state: string,
  hear: (event: RunEvent) => void,
  signal: AbortSignal,
): Promise<Fact[]> {
  const journal: Fact[] = [];
  try {
    for await (const line of linesOf(['run', file], state, signal)) {
      const event = RunEvent.parse(JSON.parse(line));
      hear(event);
      if (event.position !== undefined) journal.push(factOf(event));
    }
  } catch (error) {
    const last = journal.at(-1);
    if (last?.fact !== 'run.paused') throw error;
    throw new Error(`${nameOf(journal)} is paused: ${last.reason}; the same command goes on`, {
      cause: error,
    });
  }
  const last = journal.at(-1);
  if (last?.fact !== 'run.finished')
    throw new Error(`the journal of ${file} has no end: start again`);
  if (['failed', 'user', 'data'].includes(last.stopped))
    throw new Error(
      `${nameOf(journal)} ended early (${last.stopped}: ${last.reason}): --fresh begins anew`,
    );
  return journal;
}

function factOf({ event, position: _position, at: _at, ...rest }: RunEvent): Fact {
  return Fact.parse({ fact: event, ...rest });
}

function nameOf(journal: readonly Fact[]): string {
  const [opened] = journal;
  return opened?.fact === 'run.opened' ? opened.run : 'the run';
}
