/**
 * The run of deploy/examples/public-data as a user has it, with DeepSpeed and vLLM on the CPU, killed on the way; by hand, in half an hour:
 * `RESET_DATA=<folder of the rows> npx vitest run --project public-data`, after `npm run setup:deepspeed` and `npm run setup:servers`.
 * RESET_PYTHON and RESET_SERVERS_PYTHON name other Pythons than theirs. What the scores are is of no matter here.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { CheckpointManifest } from '../../shared/contract/checkpoint.ts';
import { DatasetManifest } from '../../shared/contract/dataset.ts';
import { Row } from '../../shared/contract/example.ts';
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { digestOf, exampleId, sha256 } from '../../shared/contract/ids.ts';
import { TrainingEvent, TrainingRow } from '../../shared/contract/training.ts';
import { check } from '../drills/check/all.ts';
import { factsOf, places, readEvidence } from '../drills/check/evidence.ts';
import { scan, tables } from '../../agents/curator/ledger/tables.ts';
import type { DrillCluster } from '../support/drill/cluster.ts';
import { resetLoop } from '../support/drill/command.ts';
import { filesIn, readLines } from '../support/drill/evidence.ts';
import { goldenPath } from '../support/golden.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { carryOut, placesOf, prepare, python } from './scene.ts';

let folder: TemporaryFolder | undefined;
let cluster: DrillCluster | undefined;
let facts: readonly Fact[] = [];
/** Ids of the run's examples, by `<dataset>/<part>`. */
const parts = new Map<string, readonly string[]>();

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

function here() {
  return placesOf(folder?.path ?? '');
}

function factsNamed<TName extends Fact['fact']>(name: TName): FactOf<TName>[] {
  return facts.filter((fact): fact is FactOf<TName> => fact.fact === name);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** Rows of the sealed dataset of a step. */
function sealedRows(step: string): TrainingRow[] {
  return sealedFiles(step).flatMap((file) => readLines(file, TrainingRow));
}

function sealedFiles(step: string): string[] {
  const sealed = factsNamed('dataset.sealed').find((fact) => fact.step === step);
  const dataset = join(places(here().state).datasets, sealed?.dataset ?? '');
  return filesIn(dataset)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(dataset, name));
}

test('the run goes through MTL and two rounds to its end, whatever is killed', async (context) => {
  const data = goldenPath(context, 'datasets');
  folder = await temporaryFolder();
  await prepare(folder.path, data);
  cluster = await carryOut(folder.path);
  await using evidence = await readEvidence(here().state);
  facts = evidence.runs.flatMap(factsOf);
  for await (const [key, ids] of scan(evidence.store, tables.part, ''))
    parts.set(key.replace('public-data/', ''), ids);
  expect(facts.at(-1)).toMatchObject({ fact: 'run.finished', stopped: 'rounds' });
  expect(factsNamed('decision.made').map(({ round }) => round)).toEqual([1, 2]);
  expect(factsNamed('run.paused')).toEqual([]);
});

test('what the ledger holds stands all checks of a drill', async (context) => {
  if (facts.length === 0) context.skip('there was no run');
  expect(await check(here().state)).toEqual([]);
});

test('a training that was killed with its trainer went on from its checkpoint', (context) => {
  if (facts.length === 0) context.skip('there was no run');
  const events = readLines(join(here().job('start-0'), 'progress.jsonl'), TrainingEvent);
  const resumed = events.flatMap((event) => (event.event === 'resumed' ? [event.step] : []));
  expect(resumed).toHaveLength(1);
  expect(resumed[0]).toBeGreaterThan(0);
});

test('the rows are the examples of the run: those to train on, with dev held out, and those to test', (context) => {
  if (facts.length === 0) context.skip('there was no run');
  const { rows } = here();
  for (const name of filesIn(rows).filter((file) => /\.(train|test)\.jsonl$/.test(file))) {
    const [dataset = '', part = ''] = name.split('.');
    const examples = readLines(join(rows, name), Row).map((row) => {
      const { instruction = null, context = null, question = null, references } = row;
      const { constraints } = row;
      const fields = { dataset, instruction, context, question, references };
      return exampleId(constraints === undefined ? fields : { ...fields, constraints });
    });
    const held = part === 'train' ? (parts.get(`${dataset}/dev`) ?? []) : [];
    const taken = [...(parts.get(`${dataset}/${part}`) ?? []), ...held];
    expect(taken.sort(), name).toEqual([...new Set(examples)].sort());
  }
});

test('the mix has every train example, and of each dataset as many rows', (context) => {
  if (facts.length === 0) context.skip('there was no run');
  const mix = sealedRows('start-0');
  const seen = ['cnn', 'instruct', 'nq'];
  const largest = Math.max(...seen.map((name) => parts.get(`${name}/train`)?.length ?? 0));
  for (const dataset of seen) {
    const copies = new Map<string, number>();
    for (const row of mix.filter((one) => one.dataset === dataset)) {
      const example = row.id.replace(/-c\d+$/, '');
      copies.set(example, (copies.get(example) ?? 0) + 1);
    }
    expect([...copies.keys()].sort(), dataset).toEqual(parts.get(`${dataset}/train`));
    expect(sum(Object.fromEntries(copies)), dataset).toBe(largest);
    const counts = [...copies.values()];
    expect(Math.max(...counts) - Math.min(...counts), dataset).toBeLessThanOrEqual(1);
  }
  for (const { step, byDataset, rows } of factsNamed('dataset.sealed').slice(1)) {
    expect(Object.keys(byDataset).sort(), step).toEqual(seen);
    for (const [dataset, { planned, kept, excluded }] of Object.entries(byDataset)) {
      expect(planned, `${step} ${dataset}`).toBe(24);
      expect(kept + sum(excluded), `${step} ${dataset}`).toBe(24);
      expect(kept, `${step} ${dataset}`).toBeGreaterThan(0);
    }
    expect(sealedRows(step), step).toHaveLength(rows);
  }
});

test('training reads the tokens of a prompt that the server read', (context) => {
  if (facts.length === 0) context.skip('there was no run');
  const script = 'test/public-data/prompt_tokens.py';
  const { base, serverLog } = here();
  const files = ['start-0', 'r1', 'r2'].flatMap(sealedFiles);
  const answer = execFileSync(python, [script, base, serverLog, ...files], { encoding: 'utf8' });
  const Compared = z.object({
    sent: z.int(),
    trained: z.int(),
    unsent: z.int(),
    different: z.array(z.string()),
  });
  const { sent, trained, unsent, different } = Compared.parse(JSON.parse(answer));
  expect(different).toEqual([]);
  // All rows of the rounds were sampled, and the references of those examples too; of the mix the other examples were not.
  const ofRounds = [...sealedRows('r1'), ...sealedRows('r2')];
  const sampled = new Set(ofRounds.map(({ turns }) => turns[0]?.prompt));
  expect(sent).toBeGreaterThan(sampled.size);
  expect(trained).toBeGreaterThan(ofRounds.length);
  expect(trained + unsent).toBe(ofRounds.length + sealedRows('start-0').length);
  const unseen = sealedRows('start-0').filter(({ turns }) => !sampled.has(turns[0]?.prompt));
  expect(unsent).toBeLessThanOrEqual(unseen.length);
});

test('datasets and checkpoints are what their digests say, each made from the one before', async (context) => {
  if (facts.length === 0) context.skip('there was no run');
  const { datasets, checkpoints } = places(here().state);
  for (const { dataset } of factsNamed('dataset.sealed')) {
    const manifest = readFileSync(join(datasets, dataset, 'manifest.json'));
    expect(sha256(manifest)).toBe(dataset);
    for (const { path, sha256: digest } of DatasetManifest.parse(JSON.parse(String(manifest)))
      .files)
      expect(sha256(readFileSync(join(datasets, dataset, path)))).toBe(digest);
  }
  const published = factsNamed('checkpoint.published');
  const sealed = new Map(factsNamed('dataset.sealed').map(({ step, dataset }) => [step, dataset]));
  expect(published.map(({ step }) => step)).toEqual(['start-0', 'r1', 'r2']);
  for (const [index, { step, checkpoint, parent, dataset }] of published.entries()) {
    const path = join(checkpoints, checkpoint);
    const { code, stderr } = await resetLoop(['verify', path]);
    expect(code, stderr).toBe(0);
    const manifest = CheckpointManifest.parse(
      JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')),
    );
    expect(digestOf(manifest)).toBe(checkpoint);
    expect(manifest).toMatchObject({ parent, dataset: sealed.get(step) });
    expect(dataset).toBe(sealed.get(step));
    if (index > 0) expect(parent).toBe(published[index - 1]?.checkpoint);
  }
});
