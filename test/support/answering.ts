/** Workers that speak the real protocol and answer at once, without a model: what they say is a function of what they are asked. */
import type { Bus } from '../../shared/bus/bus.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import { sha256 } from '../../shared/contract/ids.ts';
import type { Queue } from '../../shared/contract/subjects.ts';
import type {
  Generation,
  JudgeResult,
  JudgeUnit,
  Outcome,
  Result,
  SampleResult,
  SampleUnit,
} from '../../shared/contract/work.ts';

const WORDS = ['Oslo', 'Paris', 'in Oslo', '7'];

export interface Answering {
  readonly bus: Bus;
  readonly peer: string;
  readonly signal: AbortSignal;
  /** Called with each unit that is taken. */
  readonly asked?: (unit: SampleUnit | JudgeUnit) => void;
  /** Called before each answer; may replace it, or return undefined to give the unit back. */
  readonly change?: (result: Result) => Result | undefined | Promise<Result | undefined>;
}

/** Answers units of a queue until the signal aborts. Returns how many it answered. */
export async function answerQueue(queue: Queue, options: Answering): Promise<number> {
  const { bus, peer, signal, asked, change } = options;
  let answered = 0;
  while (!signal.aborted) {
    try {
      const delivery = await bus.next(queue, 1000, signal);
      if (delivery === undefined) continue;
      const { message } = delivery;
      if (message.kind === 'reference') throw new Error('a test unit fits the bus');
      asked?.(message);
      const own = message.kind === 'sample' ? sample(message, peer) : judge(message, peer);
      const result = change === undefined ? own : await change(own);
      if (result === undefined) {
        delivery.giveBack(100);
        continue;
      }
      await bus.answer(result);
      await delivery.ack();
      answered += 1;
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return answered;
}

/** One of a few texts for each request, so that there are ties, duplicates and different scores. */
export function sample(unit: SampleUnit, peer: string): SampleResult {
  const { run, unit: name } = unit;
  const generate = (candidate: string): Generation => {
    const text = WORDS[Number.parseInt(sha256(candidate).slice(0, 4), 16) % WORDS.length] ?? '';
    return { outcome: 'generated', candidate, text, tokens: 1, finish: 'stop' };
  };
  const items = unit.items.map(({ example, requests }) => ({
    example,
    generations: requests.map(({ candidate }) => generate(candidate)),
  }));
  return { kind: 'sample', run, unit: name, peer, items };
}

export function judge(unit: JudgeUnit, peer: string): JudgeResult {
  const { run, unit: name, judge: spec } = unit;
  const items = unit.items.map(({ example, texts }) => ({
    example: example.id,
    verdicts: texts.map(({ id, text }): { text: string; answer: Outcome } => {
      const right =
        spec.axis === 'task'
          ? example.references.includes(text)
          : text !== '' && (example.context ?? example.instruction ?? '').includes(text);
      return { text: id, answer: { outcome: 'scored', value: right ? 1 : 0, details: {} } };
    }),
  }));
  return {
    kind: 'judge',
    run,
    unit: name,
    peer,
    judge: spec.name,
    fingerprint: sha256(spec.type),
    items,
  };
}
