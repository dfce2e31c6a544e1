import { Fact } from '../shared/contract/facts.ts';
import { EvaluationValue } from '../shared/contract/steps.ts';
import { curatorClient, readStream, unary } from '../shared/rpc/client.ts';
import type { Tls } from '../shared/process/environment.ts';
import type { StepMessage } from './outcome.ts';

export interface JournalEntry {
  position: number;
  fact: Fact;
  /** Milliseconds since 1970 at the curator; for people, never for a decision. */
  at: number;
}

/** The curator of one run, as the coordinator calls it. */
export interface Curator {
  open(runFile: string, signal: AbortSignal): Promise<boolean>;
  journal(from: number, follow: boolean, signal: AbortSignal): AsyncIterable<JournalEntry>;
  facts(signal: AbortSignal): Promise<Fact[]>;
  append(expected: number, fact: Fact, signal: AbortSignal): Promise<void>;
  startCurate(step: string, attempt: number, signal: AbortSignal): Promise<void>;
  startEvaluate(
    step: string,
    checkpoint: string,
    attempt: number,
    signal: AbortSignal,
  ): Promise<void>;
  watch(step: string, task: 'curate' | 'evaluate', signal: AbortSignal): AsyncIterable<StepMessage>;
  evaluation(step: string, signal: AbortSignal): Promise<EvaluationValue[]>;
}

const CALL_MS = 10_000;
/** Opening reads and checks every row of the run's files, and counts the tokens of the long ones. */
const OPEN_MS = 1_800_000;

export function connectCurator(address: string, run: string, tls: Tls | undefined): Curator {
  const client = curatorClient(address, tls);
  const options = (signal: AbortSignal) => ({ deadlineMs: CALL_MS, signal });
  return {
    open: async (runFile, signal) => {
      const { opened } = await unary(
        client.openRun.bind(client),
        { runFile },
        { deadlineMs: OPEN_MS, signal },
      );
      return opened;
    },
    async *journal(from, follow, signal) {
      for await (const { position, fact, at } of readStream(
        () => client.readJournal({ run, from, follow }),
        { signal },
      )) {
        yield { position, fact: Fact.parse(JSON.parse(fact)), at };
      }
    },
    facts: async (signal) => {
      const facts: Fact[] = [];
      for await (const { fact } of readStream(
        () => client.readJournal({ run, from: 0, follow: false }),
        { signal },
      )) {
        facts.push(Fact.parse(JSON.parse(fact)));
      }
      return facts;
    },
    append: async (expectedLength, fact, signal) => {
      await unary(
        client.appendFact.bind(client),
        { run, expectedLength, fact: JSON.stringify(fact) },
        options(signal),
      );
    },
    startCurate: async (step, attempt, signal) => {
      await unary(client.startCurate.bind(client), { run, step, attempt }, options(signal));
    },
    startEvaluate: async (step, checkpoint, attempt, signal) => {
      await unary(
        client.startEvaluate.bind(client),
        { run, step, checkpoint, attempt },
        options(signal),
      );
    },
    watch: (step, task, signal) => readStream(() => client.watch({ run, step, task }), { signal }),
    evaluation: async (step, signal) => {
      const values: EvaluationValue[] = [];
      for await (const part of readStream(() => client.readEvaluation({ run, step }), { signal })) {
        values.push(...EvaluationValue.array().parse(JSON.parse(part.values)));
      }
      return values;
    },
  };
}
