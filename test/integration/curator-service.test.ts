/** The calls that a coordinator, a trainer and a user make of a curator. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DatasetManifest } from '../../shared/contract/dataset.ts';
import { Explanation } from '../../shared/contract/explanation.ts';
import { sha256 } from '../../shared/contract/ids.ts';
import { EvaluationValue } from '../../shared/contract/steps.ts';
import { readStream, unary } from '../../shared/rpc/client.ts';
import { ConflictError } from '../../shared/rpc/failure.ts';
import { writeRun } from '../support/curated-run.ts';
import {
  callCurator,
  incumbent,
  makeFolder,
  makeRound,
  roundOpened,
  startWorkers,
} from '../support/curating.ts';
import { startCurator } from '../support/curator.ts';
import { startNats } from '../support/nats.ts';

const signal = new AbortController().signal;

test('a sealed dataset is read from any offset, and its bytes are those of its manifest', async () => {
  const { calls, nats, folder, curator, options } = await makeRound(8);
  await using _workers = await startWorkers(nats.url);
  const outcome = await calls.curate('r1');
  const dataset = outcome.outcome === 'sealed' ? outcome.dataset : '';

  async function readFrom(client: typeof calls.client, offset: number) {
    const chunks: Buffer[] = [];
    let manifest = '';
    for await (const part of readStream(() => client.readDataset({ dataset, offset }), { signal }))
      if (part.manifest !== undefined) manifest = part.manifest;
      else if (part.chunk !== undefined) chunks.push(part.chunk);
    return { manifest, bytes: Buffer.concat(chunks) };
  }
  const whole = await readFrom(calls.client, 0);
  expect(sha256(whole.manifest)).toBe(dataset);
  const { files } = DatasetManifest.parse(JSON.parse(whole.manifest));
  expect(files.map((file) => file.sha256)).toEqual([sha256(whole.bytes)]);
  const { bytes: tail } = await readFrom(calls.client, 100);
  expect(tail).toEqual(whole.bytes.subarray(100));

  await curator.kill('SIGTERM');
  rmSync(join(folder, 'state/datasets'), { recursive: true });
  await using again = await startCurator(options);
  const other = callCurator(again.grpc);
  expect(await other.curate('r1')).toEqual(outcome);
  expect(await readFrom(other.client, 0)).toEqual(whole);
  other.close();
});

test('of two writers of the same position one loses', async () => {
  const { calls } = await makeRound(8);
  const opened = (round: number): object => ({ ...roundOpened, step: `r${round}`, round });
  const appends = await Promise.allSettled([2, 3].map((round) => calls.append(2, opened(round))));
  expect(appends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const lost = appends.find((one) => one.status === 'rejected');
  expect(lost?.reason).toBeInstanceOf(ConflictError);
  await expect(calls.append(3, { fact: 'round.won' })).rejects.toThrow(/this is no fact/);
});

test('a journal is followed from any position while it grows', async () => {
  const { calls } = await makeRound(8);
  const facts: string[] = [];
  const stream = readStream(
    () => calls.client.readJournal({ run: 'test', from: 1, follow: true }),
    { signal },
  );
  for await (const { position, fact } of stream) {
    facts.push(`${position} ${(JSON.parse(fact) as { fact: string }).fact}`);
    if (position === 1) await calls.append(2, { fact: 'run.paused', reason: 'asked to' });
    if (position === 2) await calls.append(3, { fact: 'run.resumed' });
    if (position === 3) break;
  }
  expect(facts).toEqual(['1 round.opened', '2 run.paused', '3 run.resumed']);
});

test('another ledger is refused by name', async () => {
  const { file, nats, folder } = await makeRound(8);
  const state = join(folder, 'other');
  await using other = await startCurator({ natsUrl: nats.url, state, peer: 'curator-2' });
  const calls = callCurator(other.grpc);
  await expect(calls.open(file)).rejects.toThrow(
    /run test belongs to ledger .* of curator curator-1 .* start that curator, or give the run another name/,
  );
  calls.close();
});

test('a run file with problems is refused with all of them, and nothing is written', async () => {
  const folder = makeFolder();
  const file = writeRun(join(folder, 'data'), { rows: 8 });
  await using nats = await startNats();
  await using curator = await startCurator({ natsUrl: nats.url, state: join(folder, 'state') });
  const calls = callCurator(curator.grpc);
  const [span, instruct] = file.datasets;
  if (span === undefined || instruct === undefined) throw new Error('the run has two datasets');
  const broken = {
    ...file,
    judges: file.judges.filter(({ name }) => name !== 'em'),
    datasets: [{ ...span, test: ['missing.jsonl'] }, instruct],
    start: [{ name: 'mtl', rows: [join(folder, 'gone.jsonl')], training: {} }],
  };
  const problems = await calls.open(broken).then(
    () => '',
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );
  expect(problems).toMatch(/missing\.jsonl/);
  expect(problems).toMatch(/gone\.jsonl/);
  expect(problems).toMatch(/no judge measures task/);
  expect(await calls.open(file)).toEqual({ opened: true });
  await expect(calls.open({ ...file, seed: 8 })).rejects.toThrow(/another run file/);
  calls.close();
});

test('why an example was kept is told with every verdict and the arithmetic', async () => {
  const { calls, nats } = await makeRound(8);
  await using _workers = await startWorkers(nats.url);
  await calls.curate('r1');
  await calls.evaluate('r1', incumbent);
  const { client } = calls;
  let example = '';
  for await (const message of readStream(() => client.readEvaluation({ run: 'test', step: 'r1' }), {
    signal,
  }))
    example = EvaluationValue.array().parse(JSON.parse(message.values))[0]?.example ?? example;
  const explain = (id: string) =>
    unary(client.explain.bind(client), { run: 'test', example: id }, { deadlineMs: 5000, signal });
  const { explanation } = await explain(example.slice(0, 12));
  const { steps } = Explanation.parse(JSON.parse(explanation));
  expect(steps).toMatchObject([{ step: 'r1', split: 'dev', selection: null }]);
  expect(steps[0]?.candidates[0]?.arithmetic).toMatch(/ = \d/);
  await expect(explain('ffff')).rejects.toThrow(/has no example|several/);
});

test('a curator whose run was bound to another ledger meanwhile leaves it alone and says so', async () => {
  const { file, calls, curator, options, folder } = await makeRound(8);
  await curator.kill('SIGTERM');
  await using nats = await startNats();
  await using other = await startCurator({
    natsUrl: nats.url,
    state: join(folder, 'other'),
    peer: 'curator-2',
  });
  const others = callCurator(other.grpc);
  await others.open(file);

  await using again = await startCurator({ ...options, natsUrl: nats.url });
  const own = callCurator(again.grpc);
  await expect
    .poll(() =>
      own.append(2, roundOpened).then(
        () => 'appended',
        (error: unknown) => (error instanceof Error ? error.message : ''),
      ),
    )
    .toMatch(/run test belongs to ledger .* of curator curator-2/);
  for (const one of [calls, others, own]) one.close();
});
