import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Explanation } from '../../shared/contract/explanation.ts';
import { Fact } from '../../shared/contract/facts.ts';
import { curatorClient, readStream, unary } from '../../shared/rpc/client.ts';
import { type Recurating, RecurationPart } from '../../shared/contract/recuration.ts';
import { Answer } from '../../shared/contract/steps.ts';
import type { JournalEntry } from '../curator.ts';
import { connectCluster, localBus, type Cluster, type ClusterOptions } from './cluster.ts';
import { CommandError, exits } from './exit.ts';
import { readProgram } from './program.ts';

/** What can be read of the runs: from their curators while a cluster runs, else from the ledger folder that it left. */
export interface Ledger {
  /** The cluster, where one runs. */
  cluster: Cluster | undefined;
  runs(): Promise<string[]>;
  journal(run: string): Promise<JournalEntry[]>;
  explain(run: string, example: string): Promise<Explanation>;
  /** The greedy answers of a finished evaluation step, ordered by split (dev first), dataset and example. */
  answers(run: string, step: string): AsyncIterable<Answer>;
  /** A round's dataset with other weights: the figures, then, where they are asked for, its files. */
  recurate(run: string, step: string, changes: Recurating): AsyncIterable<RecurationPart>;
  close(): Promise<void>;
}

const CALL_MS = 10_000;
const BINDINGS_MS = 1_000;

export async function openLedger(options: ClusterOptions, signal: AbortSignal): Promise<Ledger> {
  const folder = join(options.state, 'curator-1', 'ledger');
  const live = options.nats ?? process.env['RESET_NATS_URL'] ?? localBus(options.state);
  if (live === undefined && existsSync(folder)) return ledgerAtRest(folder);
  return liveLedger(await connectCluster(options, signal), signal);
}

export function liveLedger(cluster: Cluster, signal: AbortSignal): Ledger {
  const curatorOf = async (run: string) => {
    const binding = await cluster.directory.binding(run);
    if (binding === undefined)
      throw new CommandError(
        exits.usage,
        `no run ${run} on this bus: reset-loop status lists the runs`,
      );
    return curatorClient(binding.grpc);
  };
  return {
    cluster,
    runs: async () => {
      const names = new Set<string>();
      const until = AbortSignal.any([signal, AbortSignal.timeout(BINDINGS_MS)]);
      for await (const { run } of cluster.directory.bindings(until)) names.add(run);
      return [...names].sort();
    },
    journal: async (run) => {
      const client = await curatorOf(run);
      const entries: JournalEntry[] = [];
      for await (const { position, fact, at } of readStream(
        () => client.readJournal({ run, from: 0, follow: false }),
        { signal },
      )) {
        entries.push({ position, at, fact: Fact.parse(JSON.parse(fact)) });
      }
      client.close();
      return entries;
    },
    explain: async (run, example) => {
      const client = await curatorOf(run);
      const { explanation } = await unary(
        client.explain.bind(client),
        { run, example },
        { deadlineMs: CALL_MS, signal },
      );
      client.close();
      return Explanation.parse(JSON.parse(explanation));
    },
    async *answers(run, step) {
      const client = await curatorOf(run);
      try {
        for await (const { answer } of readStream(() => client.readAnswers({ run, step }), {
          signal,
        }))
          yield Answer.parse(JSON.parse(answer));
      } finally {
        client.close();
      }
    },
    async *recurate(run, step, changes) {
      const client = await curatorOf(run);
      try {
        const request = { run, step, changes: JSON.stringify(changes) };
        for await (const { part } of readStream(() => client.recurate(request), { signal }))
          yield RecurationPart.parse(JSON.parse(part));
      } finally {
        client.close();
      }
    },
    close: () => cluster.close(),
  };
}

/** Asks the curator's own reader, a process, for no other role may open the ledger's tables. */
function ledgerAtRest(folder: string): Ledger {
  return {
    cluster: undefined,
    runs: async () => (await readAtRest(folder, 'runs')).map(String),
    journal: async (run) =>
      (await readAtRest(folder, 'journal', run)).map((line) => {
        const { position, at, fact } = line as JournalEntry;
        return { position, at, fact: Fact.parse(fact) };
      }),
    explain: async (run, example) =>
      Explanation.parse((await readAtRest(folder, 'explain', run, example))[0]),
    async *answers(run, step) {
      for await (const line of linesAtRest(folder, ['answers', run, step]))
        yield Answer.parse(line);
    },
    async *recurate(run, step, changes) {
      const request = ['recurate', run, step, JSON.stringify(changes)];
      for await (const line of linesAtRest(folder, request)) yield RecurationPart.parse(line);
    },
    close: async () => {
      await Promise.resolve();
    },
  };
}

async function readAtRest(folder: string, ...request: string[]): Promise<unknown[]> {
  const lines: unknown[] = [];
  for await (const line of linesAtRest(folder, request)) lines.push(line);
  return lines;
}

function linesAtRest(folder: string, request: readonly string[]): AsyncGenerator {
  return readProgram('agents/curator/reader.js', [folder, ...request], exits.failed);
}
