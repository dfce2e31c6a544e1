/** Contexts that are too long for the model, through a curator, a sampler, a server that refuses long prompts, and judges. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { report } from '../../coordinator/cli/report.ts';
import { why } from '../../coordinator/cli/why.ts';
import type { DatasetManifest } from '../../shared/contract/dataset.ts';
import type { TrainingRow } from '../../shared/contract/training.ts';
import type { JudgeUnit } from '../../shared/contract/work.ts';
import { answerQueue } from '../support/answering.ts';
import { callCurator, connectPeer } from '../support/curating.ts';
import { startCurator } from '../support/curator.ts';
import { writeRun } from '../support/curated-run.ts';
import { probeOf, startFakeEngine } from '../support/fake-engine.ts';
import { startNats } from '../support/nats.ts';
import { publish } from '../support/published-checkpoint.ts';
import { startRole } from '../support/role.ts';
import { keep } from '../support/sampling.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();
const WINDOW = 100;
const MAX_TOKENS = 16;
const LONG = 3;

/** As the tokenizer `words-with-spaces` counts, whatever it knows. */
function countPieces(text: string): number {
  return text.match(/ ?[\p{L}\p{M}\p{N}]+| ?[^\s\p{L}\p{M}\p{N}]|\s/gu)?.length ?? 0;
}

function tokenizerFile(): string {
  const path = new URL('../../../test/golden/tokenizers.jsonl', import.meta.url);
  const all = readFileSync(path, 'utf8').trim().split('\n');
  const one = all.map((line) => JSON.parse(line) as { name: string; tokenizer: object });
  return JSON.stringify(one.find(({ name }) => name === 'words-with-spaces')?.tokenizer);
}

/** Each part of `span` has three rows whose passages fill the window three times, and one whose question does. */
function lengthen(path: string): void {
  const rows = readFileSync(path, 'utf8').trim().split('\n');
  const longer = rows.map((line, i) => {
    const row = JSON.parse(line) as { context: string; question: string };
    const passage = `${row.context} ${'He is never bored there. '.repeat(20)}`.trim();
    if (i < LONG) return { ...row, context: [passage, row.context, passage].join('\n') };
    return i === LONG ? { ...row, question: 'Where? '.repeat(WINDOW) } : row;
  });
  writeFileSync(path, `${longer.map((row) => JSON.stringify(row)).join('\n')}\n`);
}

/** A run whose model has a hundred positions, with all that works for it. */
async function start() {
  const folder = keep(await temporaryFolder()).path;
  const nats = keep(await startNats());
  const weights = 'aa weights';
  const config = { weights, max_position_embeddings: WINDOW };
  const files = { 'config.json': JSON.stringify(config), 'tokenizer.json': tokenizerFile() };
  const checkpoint = await publish(join(folder, 'checkpoints'), files, probeOf(weights));
  const base = join(folder, 'model');
  await mkdir(base);
  for (const [name, text] of Object.entries(files)) await writeFile(join(base, name), text);
  const server = keep(
    await startFakeEngine({
      engine: 'vllm',
      name: `reset-test-${checkpoint.slice(0, 8)}`,
      weights,
      window: { most: WINDOW, count: countPieces },
    }),
  );
  const state = join(folder, 'curator-1');
  const curator = keep(await startCurator({ natsUrl: nats.url, state }));
  const where = { natsUrl: nats.url, folder };
  const serverProfile = { driver: 'vllm', url: server.url };
  keep(await startRole('sampler', { ...where, peer: 'sampler-1', serverProfile }));
  const judged: JudgeUnit[] = [];
  const stop = new AbortController();
  const bus = await connectPeer(nats.url);
  const judging = ['em', 'span', 'rules'].map((judge) =>
    answerQueue(
      { kind: 'judge', judge },
      {
        bus,
        peer: 'worker-1',
        signal: stop.signal,
        asked: (unit) => {
          if (unit.kind === 'judge') judged.push(unit);
        },
      },
    ),
  );
  onTestFinished(async () => {
    stop.abort();
    await Promise.all(judging);
  });
  const file = writeRun(join(folder, 'data'), {
    rows: 16,
    changes: {
      model: { base, template: 'plain' },
      sampling: { server: 'local', maxTokens: MAX_TOKENS },
      start: [{ name: 'mtl', datasets: ['span'] }],
    },
  });
  return { folder, file, checkpoint, server, state, curator, judged };
}

/** The rows of a sealed dataset. */
function rowsOf(state: string, digest: string): TrainingRow[] {
  const folder = join(state, 'datasets', digest);
  const manifest = JSON.parse(
    readFileSync(join(folder, 'manifest.json'), 'utf8'),
  ) as DatasetManifest;
  return manifest.files
    .flatMap(({ path }) => readFileSync(join(folder, path), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as TrainingRow);
}

function promptsOf(rows: readonly TrainingRow[]): Set<string> {
  return new Set(rows.flatMap(({ turns }) => turns.map(({ prompt }) => prompt)));
}

test('model, judges and training see the same shortened context, and the report counts it', async () => {
  const { folder, file, checkpoint, server, state, curator, judged } = await start();
  const [span] = file.datasets;
  for (const path of [...(span?.train ?? []), ...(span?.dev ?? [])]) lengthen(path);
  const calls = callCurator(curator.grpc);
  onTestFinished(calls.close);
  await calls.open(file);

  const mixed = await calls.curate('start-0');
  await calls.append(1, {
    fact: 'round.opened',
    step: 'r1',
    round: 1,
    incumbent: checkpoint,
  });
  const sealed = await calls.curate('r1');
  if (mixed.outcome !== 'sealed' || sealed.outcome !== 'sealed') throw new Error('not sealed');

  expect(sealed.candidates).toMatchObject({ planned: 31 * 7, unscored: {} });
  const asked = server.sampled.filter(({ temperature }) => temperature !== 0);
  const sampled = new Set(asked.map(({ prompt }) => prompt));
  expect(sampled.size).toBe(31);
  const lengths = [...sampled].map(countPieces).sort((a, b) => b - a);
  // The token that ends an answer has room too.
  expect(lengths[0]).toBeLessThan(WINDOW - MAX_TOKENS);
  expect(lengths[LONG - 1]).toBeGreaterThan(WINDOW - MAX_TOKENS - 10);
  for (const prompt of promptsOf(rowsOf(state, sealed.dataset))) expect(sampled).toContain(prompt);
  const learned = rowsOf(state, mixed.dataset);
  expect(promptsOf(learned).size).toBe(15);
  for (const prompt of promptsOf(learned)) expect(sampled).toContain(prompt);
  for (const { turns } of learned)
    for (const { prompt, completion } of turns)
      expect(countPieces(prompt) + countPieces(completion)).toBeLessThan(WINDOW);

  const examples = judged.flatMap(({ judge, items }) =>
    judge.name === 'span' ? items.map(({ example }) => example) : [],
  );
  expect(examples).toHaveLength(15);
  const passages = examples.flatMap(({ context }) => context?.split('\n') ?? []);
  const shown = [...sampled].join('\n');
  expect(passages).toHaveLength(15 + 2 * LONG);
  for (const passage of passages) expect(shown).toContain(passage);

  const shortened = examples.find(({ context }) => context?.includes('\n'));
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => {
    out.mockRestore();
  });
  await curator.kill('SIGTERM');
  const options = { state: folder, nats: undefined, run: 'test' };
  expect(await why(shortened?.id ?? '', { ...options, json: false }, signal)).toBe(0);
  const told = stripVTControlCharacters(out.mock.calls.join(''));
  expect(told).toMatch(/context shortened: its prompt has \d+ of 2\d\d tokens/);
  const path = join(folder, 'report.md');
  expect(await report({ ...options, json: false, out: path }, signal)).toBe(0);
  expect(readFileSync(path, 'utf8')).toMatch(
    /A prompt and its answer have 100 tokens\.[^]*\| span \| 24 \| 6 \| 2 \| 1\d{3} \|\n\| instruct \| 24 \| 0 \| 0 \| 0 \|/,
  );
}, 120_000);
