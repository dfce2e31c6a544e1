/** What a report reads of an evaluation: every greedy answer with its values, from a running curator and from the ledger that it left. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLedger } from '../../coordinator/cli/ledger.ts';
import { type Answer, EvaluationValue } from '../../shared/contract/steps.ts';
import { readStream } from '../../shared/rpc/client.ts';
import { makeRunFile } from '../support/run.ts';
import { incumbent, makeRound, startWorkers } from '../support/curating.ts';

const signal = new AbortController().signal;
const changes = { rounds: { max: 2, coverage: 0.5, gate: { bootstrap: 100 } } };

test('the answers of an evaluation are streamed in order with the values of its scores, and equal at rest', async () => {
  const { calls, nats, curator, folder } = await makeRound(160, changes);
  let failed: string | undefined;
  await using _workers = await startWorkers(nats.url, (result) => {
    if (result.kind !== 'sample' || !result.unit.startsWith('r1-dev')) return result;
    const [first, ...items] = result.items;
    if (first === undefined || (failed ?? first.example) !== first.example) return result;
    failed = first.example;
    const generations = first.generations.map(({ candidate }) => {
      return { outcome: 'failed' as const, candidate, reason: 'HTTP 500' };
    });
    return { ...result, items: [{ ...first, generations }, ...items] };
  });
  await calls.evaluate('r1', incumbent);

  const ledger = await openLedger({ state: folder, nats: nats.url }, signal);
  const answers: Answer[] = [];
  for await (const answer of ledger.answers('test', 'r1')) answers.push(answer);
  await ledger.close();

  const keys = answers.map(({ split, dataset, example }) => `${split} ${dataset} ${example}`);
  expect(keys).toHaveLength(160);
  expect(keys).toEqual([...new Set(keys)].sort());
  expect(answers.filter(({ text }) => text === null)).toMatchObject([
    { example: failed, split: 'dev', values: {} },
  ]);
  const values: EvaluationValue[] = [];
  const stream = readStream(() => calls.client.readEvaluation({ run: 'test', step: 'r1' }), {
    signal,
  });
  for await (const part of stream)
    values.push(...EvaluationValue.array().parse(JSON.parse(part.values)));
  const told = answers
    .filter(({ split }) => split === 'dev')
    .flatMap(({ dataset, example, values: byAxis }) =>
      Object.entries(byAxis).map(([axis, value]) => ({ dataset, axis, example, value })),
    );
  expect(told).toEqual(values);

  await curator.kill('SIGKILL');
  renameSync(join(folder, 'state'), join(folder, 'curator-1'));
  const atRest = await openLedger({ state: folder }, signal);
  const left: Answer[] = [];
  for await (const answer of atRest.answers('test', 'r1')) left.push(answer);
  expect(left).toEqual(answers);
  for await (const answer of atRest.answers('test', 'r1')) {
    expect(answer).toEqual(answers[0]);
    break;
  }
  const missing = atRest.answers('test', 'r2')[Symbol.asyncIterator]();
  await expect(missing.next()).rejects.toThrow(/no finished evaluation r2/);
}, 120_000);

test('a held-out judge is asked about the answers of an evaluation and not about candidates', async () => {
  const { judges } = makeRunFile();
  const watch = {
    name: 'watch',
    axis: 'faithfulness',
    type: 'span-coverage',
    heldOut: true,
  } as const;
  const { calls, nats } = await makeRound(8, { judges: [...judges, watch] });
  const names = [...judges, watch].map(({ name }) => name);
  await using workers = await startWorkers(nats.url, (result) => result, names);
  expect(await calls.curate('r1')).toMatchObject({ outcome: 'sealed' });
  expect(workers.answered.filter((unit) => unit.startsWith('watch/'))).toEqual([]);
  const evaluated = await calls.evaluate('r1', incumbent);
  expect(evaluated).toMatchObject({ dev: { heldOut: { watch: { span: { n: 2 } } } } });
}, 120_000);
