/** Bugs leave traces. Each is planted in a copy of a finished run as the bug would leave it, and the check has to name it. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { tables } from '../../agents/curator/ledger/tables.ts';
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { canonicalJson, sha256 } from '../../shared/contract/ids.ts';
import { openStore } from '../../shared/store/level.ts';
import type { Store, Write } from '../../shared/store/store.ts';
import { evidenceFolder, readLines } from '../support/drill/evidence.ts';
import { undisturbedRun } from '../support/drill/drill.ts';
import { Seen } from '../support/drill/wire-tap.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { check } from './check/all.ts';
import { factsOf, places, readEvidence } from './check/evidence.ts';
import type { Violation } from './check/violation.ts';

let undisturbed = '';

beforeAll(async () => {
  undisturbed = await undisturbedRun();
}, 120_000);

/** A finished run, to be damaged. */
interface Patient {
  readonly state: string;
  readonly store: Store;
  readonly unit: string;
}

const run = 'drill';

interface Bug {
  readonly bug: string;
  readonly plant: (patient: Patient) => Promise<void>;
  readonly finds: { invariant: Violation['invariant']; what: RegExp };
}

const bugs: Bug[] = [
  {
    bug: 'ack before store',
    plant: ({ store, unit }) => edit(store, [tables.verdict.name, `${run}/exact/${unit}`]),
    finds: {
      invariant: 'I3',
      what: /verdict of exact .* answered and acknowledged, and is not in/,
    },
  },
  {
    bug: 'unsynced write',
    plant: async ({ store }) => {
      const facts = await journal(store);
      for (const position of [facts.length - 2, facts.length - 1])
        await edit(store, [tables.journal.name, journalKey(position)]);
    },
    finds: {
      invariant: 'I3',
      what: /run\.finished was announced at position \d+, and the journal has lost/,
    },
  },
  {
    bug: 'double count',
    plant: async ({ store, unit }) => {
      const row = await value<{ items: { generations: unknown[] }[] }>(store, 'sample', unit);
      row.items[0]?.generations.push(row.items[0].generations[0]);
      await edit(store, [tables.sample.name, `${run}/${unit}`, row]);
    },
    finds: { invariant: 'I2', what: /counts [0-9a-f]{32} twice/ },
  },
  {
    bug: 'dropped unit',
    plant: async ({ state, store, unit }) => {
      retap(state, (seen) =>
        seen.filter((one) => !(one.seen === 'answer' && one.result.unit === unit)),
      );
      await edit(store, [tables.sample.name, `${run}/${unit}`]);
    },
    finds: { invariant: 'I1', what: /was dropped: it has no samples/ },
  },
  {
    bug: 'late ack believed',
    plant: ({ state, unit }) => {
      retap(state, (seen) =>
        seen.filter(
          (one) =>
            !(
              one.seen === 'answer' &&
              one.result.unit === unit &&
              one.result.kind === 'judge' &&
              one.result.judge === 'exact'
            ),
        ),
      );
      return Promise.resolve();
    },
    finds: {
      invariant: 'I3',
      what: /units of judge-exact were acked when \d+ answers had been given/,
    },
  },
  {
    bug: 'late answer counted',
    plant: async ({ store, unit }) => {
      type Row = { items: { verdicts: { answer: { value?: number } }[] }[] };
      const row = await value<Row>(store, 'verdict', `exact/${unit}`);
      const answer = row.items[0]?.verdicts[0]?.answer;
      if (answer !== undefined) answer.value = answer.value === 0 ? 1 : 0;
      await edit(store, [tables.verdict.name, `${run}/exact/${unit}`, row]);
    },
    finds: { invariant: 'I3', what: /was answered with .* and the ledger counts/ },
  },
  {
    bug: 'offer over unread answers',
    plant: ({ state, unit }) => {
      retap(state, (seen) => {
        const at = seen.findIndex((one) => one.seen === 'answer' && one.result.unit === unit);
        return seen.toSpliced(at + 1, 0, { seen: 'offer', run, queue: 'sample', unit });
      });
      return Promise.resolve();
    },
    finds: { invariant: 'I5', what: /was offered over an answer/ },
  },
  {
    bug: 'unit executed again without a crash',
    plant: ({ state, unit }) => {
      const attempt = { role: 'judge', run, queue: 'exact', unit, items: 1 };
      const file = join(evidenceFolder(state).attempts, 'judge-1.jsonl');
      appendFileSync(file, `${JSON.stringify(attempt)}\n`);
      return Promise.resolve();
    },
    finds: { invariant: 'I5', what: /1 executions of \d+ were repeated, and at most 0/ },
  },
  {
    bug: 'torn rename',
    plant: async ({ state, store }) => {
      const { dataset } = await sealed(store);
      truncateSync(join(places(state).datasets, dataset, 'shard-00000.jsonl'), 100);
    },
    finds: { invariant: 'I4', what: /shard-00000\.jsonl is not what the manifest says, 100 of/ },
  },
  {
    bug: 'clock in a hashed file',
    plant: plantClock,
    finds: { invariant: 'I4', what: /curate of r1 ended with .*, and the ledger gives/ },
  },
  {
    bug: 'weights changed after they were published',
    plant: async ({ state, store }) => {
      const published = (await journal(store)).find((fact) => fact.fact === 'checkpoint.published');
      const { checkpoint } = published as FactOf<'checkpoint.published'>;
      appendFileSync(join(places(state).checkpoints, checkpoint, 'config.json'), ' ');
    },
    finds: { invariant: 'I4', what: /config\.json is damaged/ },
  },
  {
    bug: 'decision that does not follow from its inputs',
    plant: async ({ store }) => {
      const facts = await journal(store);
      const at = facts.findIndex(({ fact }) => fact === 'decision.made');
      const changed = { ...facts[at], withoutPromotion: 7 };
      await edit(store, [tables.journal.name, journalKey(at), changed]);
    },
    finds: { invariant: 'I4', what: /"withoutPromotion":7.*, and the facts before it lead to/ },
  },
  {
    bug: 'another candidate kept',
    plant: async ({ store, unit }) => {
      const [example] = (await value<{ examples: string[] }>(store, 'plan', `r1/train/${unit}`))
        .examples;
      const row = await value<object>(store, 'selection', `r1/${example ?? ''}`);
      await edit(store, [
        tables.selection.name,
        `${run}/r1/${example ?? ''}`,
        { ...row, tied: 99 },
      ]);
    },
    finds: { invariant: 'I4', what: /the selection of .* and its verdicts give/ },
  },
  {
    bug: 'half-written folder left behind',
    plant: ({ state }) => {
      mkdirSync(join(places(state).datasets, '.staging-dataset-0a1b2c'));
      return Promise.resolve();
    },
    finds: { invariant: 'I9', what: /was left half written/ },
  },
];

test('a finished run without a bug has no violation', async () => {
  expect(await check(undisturbed, { reference: undisturbed })).toEqual([]);
});

test('the drills run what can go wrong: two rounds, a promotion, a tie, equal texts of one example', async () => {
  await using evidence = await readEvidence(undisturbed);
  const facts = evidence.runs.flatMap(factsOf);
  const decisions = facts.flatMap((one) => (one.fact === 'decision.made' ? [one.decision] : []));
  expect(decisions.length).toBeGreaterThan(1);
  expect(decisions).toContain('promote');
  expect(facts.some((one) => one.fact === 'dataset.sealed' && one.ties > 0)).toBe(true);
  const examples = evidence.runs.flatMap(({ samples }) =>
    [...samples.values()].flatMap(({ items }) => items),
  );
  const texts = examples.map(({ generations }) =>
    generations.flatMap((one) => (one.outcome === 'generated' ? [one.text] : [])),
  );
  expect(texts.some((some) => new Set(some).size < some.length)).toBe(true);
});

test.each(bugs)('$bug is named', async ({ plant, finds }) => {
  await using folder = await temporaryFolder();
  const state = join(folder.path, 'state');
  await cp(undisturbed, state, { recursive: true });
  const store = await openStore(places(state).ledger);
  await plant({ state, store, unit: 'r1-train-s0000' });
  await store.close();
  const found = await check(state);
  expect(found).toContainEqual({
    invariant: finds.invariant,
    what: expect.stringMatching(finds.what) as string,
  });
});

/** The dataset of r1 with the time of sealing in its rows, consistent in itself and with every fact that names it. */
async function plantClock({ state, store }: Patient): Promise<void> {
  const fact = await sealed(store);
  const folder = join(places(state).datasets, fact.dataset);
  const shard = join(folder, 'shard-00000.jsonl');
  const rows = readFileSync(shard, 'utf8').replace('"dataset":', '"at":1795180966588,"dataset":');
  writeFileSync(shard, rows);
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as {
    files: { size: number; sha256: string }[];
  };
  const digest = createHash('sha256').update(rows).digest('hex');
  manifest.files = manifest.files.map((file) => ({
    ...file,
    size: Buffer.byteLength(rows),
    sha256: digest,
  }));
  writeFileSync(path, canonicalJson(manifest));
  const name = sha256(canonicalJson(manifest));
  renameSync(folder, join(places(state).datasets, name));
  const renamed = (text: unknown): unknown =>
    JSON.parse(JSON.stringify(text).replaceAll(fact.dataset, name));
  for (const table of [tables.journal.name, tables.task.name])
    for await (const [key, row] of store.scan(table, `${run}/`))
      await edit(store, [table, key, renamed(row)]);
}

async function edit(store: Store, [table, key, row]: [string, string, unknown?]): Promise<void> {
  const write: Write = { table, key, value: row };
  await store.write('plant', [write]);
}

async function value<TValue>(store: Store, table: string, key: string): Promise<TValue> {
  return (await store.read(table, `${run}/${key}`)) as TValue;
}

async function journal(store: Store): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const [, fact] of store.scan(tables.journal.name, `${run}/`)) facts.push(fact as Fact);
  return facts;
}

function journalKey(position: number): string {
  return `${run}/${String(position).padStart(8, '0')}`;
}

async function sealed(store: Store): Promise<FactOf<'dataset.sealed'>> {
  const fact = (await journal(store)).find(
    (one): one is FactOf<'dataset.sealed'> => one.fact === 'dataset.sealed' && one.step === 'r1',
  );
  if (fact === undefined) throw new Error('r1 has sealed nothing');
  return fact;
}

function retap(state: string, change: (seen: Seen[]) => Seen[]): void {
  const { tap } = evidenceFolder(state);
  const lines = change(readLines(tap, Seen)).map((one) => `${JSON.stringify(one)}\n`);
  writeFileSync(tap, lines.join(''));
}
