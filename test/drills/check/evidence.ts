/** What the check judges: the ledger, read from a copy, and what the drill saw and did. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { scan, tables } from '../../../agents/curator/ledger/tables.ts';
import type {
  RunRecord,
  StoredSample,
  StoredSelection,
  StoredVerdicts,
  TaskRecord,
} from '../../../agents/curator/ledger/tables.ts';
import type { PlannedUnit } from '../../../agents/curator/plan/cut.ts';
import type { Fact } from '../../../shared/contract/facts.ts';
import { Role } from '../../../shared/contract/peer.ts';
import { openStore } from '../../../shared/store/level.ts';
import type { Store } from '../../../shared/store/store.ts';
import {
  Blow,
  evidenceFolder,
  filesIn,
  readLines,
  readMarks,
} from '../../support/drill/evidence.ts';
import { Seen } from '../../support/drill/wire-tap.ts';

const Attempt = z.object({
  role: Role,
  run: z.string(),
  queue: z.string(),
  unit: z.string(),
  items: z.int(),
});
type Attempt = z.infer<typeof Attempt>;

/** All that the ledger has of one run, by the key's part after the run. */
export interface RunEvidence {
  readonly name: string;
  readonly record: RunRecord;
  /** Facts by position; a gap is a damaged journal. */
  readonly journal: ReadonlyMap<number, Fact>;
  readonly tasks: readonly TaskRecord[];
  readonly plan: ReadonlyMap<string, PlannedUnit>;
  readonly samples: ReadonlyMap<string, StoredSample>;
  /** By `<judge>/<unit>`. */
  readonly verdicts: ReadonlyMap<string, StoredVerdicts>;
  /** By `<step>/<example>`. */
  readonly selections: ReadonlyMap<string, StoredSelection>;
}

export interface Evidence extends AsyncDisposable {
  readonly state: string;
  /** A copy of the ledger, to be used up. */
  readonly store: Store;
  readonly runs: readonly RunEvidence[];
  readonly seen: readonly Seen[];
  readonly attempts: readonly Attempt[];
  /** Of the drill, and of failpoints that kill or stop. */
  readonly blows: readonly Blow[];
}

/** Places in a state folder that `npm start` made. */
export function places(state: string) {
  return {
    ledger: join(state, 'curator-1', 'ledger'),
    datasets: join(state, 'curator-1', 'datasets'),
    checkpoints: join(state, 'checkpoints'),
    lock: join(state, 'supervisor.lock'),
    cluster: join(state, 'cluster.json'),
  };
}

/** Reads everything. Throws where the ledger cannot be read. */
export async function readEvidence(state: string): Promise<Evidence> {
  const folder = await mkdtemp(join(tmpdir(), 'reset-check-'));
  const evidence = evidenceFolder(state);
  await cp(places(state).ledger, join(folder, 'ledger'), { recursive: true });
  const store = await openStore(join(folder, 'ledger'));
  const attempts = filesIn(evidence.attempts).flatMap((name) =>
    readLines(join(evidence.attempts, name), Attempt),
  );
  const struck = readMarks(state).filter(({ action }) => action === 'kill' || action === 'stop');
  return {
    state,
    store,
    runs: await readRuns(store),
    seen: readLines(evidence.tap, Seen),
    attempts,
    blows: [
      ...readLines(evidence.blows, Blow),
      ...struck.map(({ peer, action }): Blow => ({
        blow: action === 'stop' ? 'stopped' : 'killed',
        target: peer ?? 'supervisor',
      })),
    ],
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function readRuns(store: Store): Promise<RunEvidence[]> {
  const runs: RunEvidence[] = [];
  for await (const [name, record] of scan(store, tables.run, '')) {
    const all = async <TValue>(table: Parameters<typeof scan<TValue>>[1]) => {
      const rows = new Map<string, TValue>();
      for await (const [key, value] of scan(store, table, `${name}/`))
        rows.set(key.slice(name.length + 1), value);
      return rows;
    };
    const journal = await all(tables.journal);
    const plan = await all(tables.plan);
    runs.push({
      name,
      record,
      journal: new Map(Array.from(journal, ([key, fact]) => [Number(key), fact])),
      tasks: [...(await all(tables.task)).values()],
      plan: new Map(Array.from(plan.values(), (unit) => [unit.unit, unit])),
      samples: await all(tables.sample),
      verdicts: await all(tables.verdict),
      selections: await all(tables.selection),
    });
  }
  return runs;
}

/** The facts in order, up to the first gap. */
export function factsOf({ journal }: Pick<RunEvidence, 'journal'>): Fact[] {
  const facts: Fact[] = [];
  for (let fact = journal.get(0); fact !== undefined; fact = journal.get(facts.length))
    facts.push(fact);
  return facts;
}

/** Units of a task, in the order of the plan. */
export function unitsOf({ plan }: RunEvidence, { step, task }: TaskRecord): PlannedUnit[] {
  return [...plan.values()].filter(
    ({ unit, split }) => unit.startsWith(`${step}-`) && (split === 'train') === (task === 'curate'),
  );
}
