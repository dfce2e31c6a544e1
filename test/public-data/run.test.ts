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
import { renderPrompt } from '../../agents/curator/dataset/template.ts';
import { scan, tables } from '../../agents/curator/ledger/tables.ts';
import { CheckpointManifest } from '../../shared/contract/checkpoint.ts';
import { DatasetManifest } from '../../shared/contract/dataset.ts';
import { type DatasetKind, Row } from '../../shared/contract/example.ts';
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { digestOf, exampleId, sha256 } from '../../shared/contract/ids.ts';
import { TrainingEvent, TrainingRow } from '../../shared/contract/training.ts';
import type { Shortened } from '../../shared/contract/truncation.ts';
import { check } from '../drills/check/all.ts';
import { factsOf, places, readEvidence } from '../drills/check/evidence.ts';
import type { DrillCluster } from '../support/drill/cluster.ts';
import { resetLoop } from '../support/drill/command.ts';
import { filesIn, readLines } from '../support/drill/evidence.ts';
import { goldenPath } from '../support/golden.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { carryOut, placesOf, prepare, python } from './scene.ts';

const RUN = 'public-data/';
/** Of the base, and what it leaves for a prompt: sampling.maxTokens and the token that ends an answer go off. */
const WINDOW = 512;
const ROOM = WINDOW - 32 - 1;

let folder: TemporaryFolder | undefined;
let cluster: DrillCluster | undefined;
let facts: readonly Fact[] = [];
/** What the ledger holds: ids of the examples by `<dataset>/<part>`, and by id their contexts and which were too long. */
const parts = new Map<string, readonly string[]>();
const contexts = new Map<string, string | null>();
const shortened = new Map<string, Shortened>();

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

/** The rows that were made for the run, whole, as examples. */
function rowsGiven() {
  const { rows } = here();
  return filesIn(rows)
    .filter((file) => /\.(train|test)\.jsonl$/.test(file))
    .flatMap((file) => {
      const [dataset = '', part] = file.split('.');
      const kind = kindOf(dataset);
      return readLines(join(rows, file), Row).map((row) => {
        const { instruction = null, context = null, question = null, references } = row;
        const { constraints } = row;
        const fields = { dataset, instruction, context, question, references };
        const id = exampleId(constraints === undefined ? fields : { ...fields, constraints });
        return { id, kind, part, ...fields };
      });
    });
}

function kindOf(dataset: string): DatasetKind {
  const [opened] = factsNamed('run.opened');
  const found = opened?.file.datasets.find(({ name }) => name === dataset);
  if (found === undefined) throw new Error(`the run has no dataset ${dataset}`);
  return found.kind;
}

/** How many tokens the model has for each text. */
function tokensOf(texts: readonly string[]): number[] {
  const script = 'test/public-data/count_tokens.py';
  const input = JSON.stringify(texts);
  const counts = execFileSync(python, [script, here().base], { input, encoding: 'utf8' });
  return z.array(z.int()).length(texts.length).parse(JSON.parse(counts));
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
  const { store } = evidence;
  for await (const [key, ids] of scan(store, tables.part, RUN))
    parts.set(key.replace(RUN, ''), ids);
  for await (const [, { id, context }] of scan(store, tables.example, RUN))
    contexts.set(id, context);
  for await (const [key, one] of scan(store, tables.shortened, RUN))
    shortened.set(key.replace(RUN, ''), one);
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

test('every row is in a part, trained on with dev held out or for tests, or left out as too long', (context) => {
  if (facts.length === 0) context.skip('there was no run');
  const given = rowsGiven();
  const leftOut = given.filter(({ id }) => shortened.get(id)?.kept === null);
  const taken = [...parts.values()].flat();
  expect([...taken, ...new Set(leftOut.map(({ id }) => id))].sort()).toEqual(
    [...new Set(given.map(({ id }) => id))].sort(),
  );
  for (const { id, dataset, part } of given.filter((row) => !leftOut.includes(row))) {
    const places = part === 'train' ? ['train', 'dev'] : ['test'];
    expect(places.filter((place) => parts.get(`${dataset}/${place}`)?.includes(id))).toHaveLength(
      1,
    );
  }
});

test('what is too long for the model is shortened or left out, and counted', async (context) => {
  if (facts.length === 0) context.skip('there was no run');
  const [opened] = factsNamed('run.opened');
  const given = [...new Map(rowsGiven().map((row) => [row.id, row])).values()];
  const tokens = tokensOf(given.map((row) => renderPrompt({ template: 'alpaca' }, row)));
  const counts: Record<string, { examples: number; shortened: number; refused: number }> = {};
  for (const [at, { id, dataset, context }] of given.entries()) {
    const count = (counts[dataset] ??= { examples: 0, shortened: 0, refused: 0 });
    count.examples += 1;
    const long = shortened.get(id);
    // By the model's own tokenizer; ours agrees.
    if (long === undefined) expect(tokens[at]).toBeLessThanOrEqual(ROOM);
    else expect(long.tokens).toBe(tokens[at]);
    if (long?.kept === null) {
      count.refused += 1;
      // Nothing can be cut, or there are so many passages that their marks alone fill the window.
      expect(context === null || context.split('\n').length > 55, id).toBe(true);
    } else if (long !== undefined) {
      count.shortened += 1;
      expect(long.kept).toBeLessThanOrEqual(ROOM);
      expect(contexts.get(id)?.length).toBeLessThan(context?.length ?? 0);
    }
  }
  expect(opened?.truncation).toMatchObject({ window: WINDOW, datasets: counts });
  expect(counts['cnn']?.shortened).toBeGreaterThan(100);
  expect(counts['instruct']?.refused).toBeGreaterThan(0);
  const { stdout } = await resetLoop(['report', '--state', here().state]);
  for (const [dataset, count] of Object.entries(counts))
    expect(stdout).toMatch(
      new RegExp(
        `\\| ${dataset} +\\| +${count.examples} +\\| +${count.shortened} +\\| +${count.refused} +\\|`,
      ),
    );
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
    longest: z.int(),
    different: z.array(z.string()),
  });
  const { sent, trained, unsent, longest, different } = Compared.parse(JSON.parse(answer));
  expect(different).toEqual([]);
  expect(longest).toBeLessThanOrEqual(ROOM);
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
