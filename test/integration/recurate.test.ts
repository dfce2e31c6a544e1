/** A round's dataset made again with other weights, beside a running curator and from a ledger at rest. */
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../coordinator/cli/ledger.ts';
import { Recurating, type Recuration, RecurationPart } from '../../shared/contract/recuration.ts';
import type { Result } from '../../shared/contract/work.ts';
import { readStream } from '../../shared/rpc/client.ts';
import { makeRound, startWorkers } from '../support/curating.ts';

const signal = new AbortController().signal;
const own = { task: 1, instruction: 2, faithfulness: 2 };

function figuresOf(parts: readonly RecurationPart[]): Recuration {
  const [first] = parts;
  if (first === undefined || !('recuration' in first)) throw new Error('the figures come first');
  return first.recuration;
}

/** The files that the parts after the figures make, by path. */
function filesOf(parts: readonly RecurationPart[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const part of parts)
    if ('path' in part) files.set(part.path, (files.get(part.path) ?? '') + part.text);
  return files;
}

test('with the weights of the run a round gives its own dataset, byte by byte; with others another one; and nothing changes', async () => {
  const { calls, nats, folder, curator } = await makeRound(24, {
    rounds: { max: 2, data: 'pooled' },
  });
  await using _workers = await startWorkers(nats.url);
  const outcome = await calls.curate('r1');
  if (outcome.outcome !== 'sealed') throw new Error('the round has a dataset');
  const datasets = (): string[] => readdirSync(join(folder, 'state/datasets'));
  const ofRound = datasets();
  const partsOf = async (ledger: Ledger, changes: object, step = 'r1') => {
    const parts: RecurationPart[] = [];
    const request = Recurating.parse(changes);
    for await (const part of ledger.recurate('test', step, request)) parts.push(part);
    return parts;
  };
  const live = await openLedger({ state: folder, nats: nats.url }, signal);
  const ask = (changes: object, step?: string) => partsOf(live, changes, step);

  const same = await ask({ weights: own, files: true });
  const { dataset, rows, byDataset, candidates, ties, cells, trained, ...rest } = figuresOf(same);
  expect({ dataset, rows, byDataset, candidates, ties, cells }).toEqual({
    dataset: outcome.dataset,
    rows: outcome.rows,
    byDataset: outcome.byDataset,
    candidates: outcome.candidates,
    ties: outcome.ties,
    cells: outcome.cells,
  });
  expect(trained).toEqual({ dataset: outcome.dataset, rows: outcome.rows });
  expect(rest.shown).toEqual([]);
  const sealed = join(folder, 'state/datasets', outcome.dataset);
  const files = filesOf(same);
  expect([...files.keys()].sort()).toEqual(readdirSync(sealed).sort());
  for (const [path, text] of files) expect(readFileSync(join(sealed, path), 'utf8')).toBe(text);

  // The workers give 0 or 1 on each axis, so turning a weight round turns the order of the candidates round.
  const other = figuresOf(await ask({ weights: { faithfulness: -2, task: -1 } }));
  expect(other.weights).toEqual({ ...own, faithfulness: -2, task: -1 });
  expect(other.dataset).not.toBe(outcome.dataset);
  expect(other.difference['span']?.changed).toBeGreaterThan(0);
  expect(other.difference['instruct']).toMatchObject({ changed: 0, added: 0, removed: 0 });
  expect(other.shown[0]?.before).not.toBe(other.shown[0]?.after);
  const picky = figuresOf(await ask({ weights: own, select: { minScore: 3 } }));
  expect(picky.difference['span']).toMatchObject({ changed: 0, added: 0 });
  expect(picky.difference['span']?.removed).toBeGreaterThan(0);

  await expect(ask({ weights: own, select: { minScor: 3 } })).rejects.toThrow(/nearest.*minScore/);
  await expect(ask({ weights: own }, 'r2')).rejects.toThrow(/sealed no dataset of r2/);
  await calls.curate('start-0');
  await expect(ask({ weights: own }, 'start-0')).rejects.toThrow(/a stage of the start/);

  // Nothing was written but the stage's: the same round, the same files, the same journal.
  expect(await calls.curate('r1')).toEqual(outcome);
  expect(datasets()).toHaveLength(ofRound.length + 1);
  const facts: unknown[] = [];
  for await (const { fact } of readStream(
    () => calls.client.readJournal({ run: 'test', from: 0, follow: false }),
    { signal },
  ))
    facts.push(fact);
  expect(facts).toHaveLength(2);

  await live.close();
  await curator.kill('SIGTERM');
  renameSync(join(folder, 'state'), join(folder, 'curator-1'));
  const atRest = await openLedger({ state: folder }, signal);
  expect(await partsOf(atRest, { weights: own, files: true })).toEqual(same);
}, 60_000);

test('an axis that had weight 0 and no judge leaves its candidates without a score, and says so', async () => {
  const { calls, nats } = await makeRound(8, {
    score: { task: 1, faithfulness: 0 },
    judges: [
      { name: 'em', axis: 'task', type: 'exact-match' },
      { name: 'rules', axis: 'instruction', type: 'verifiable' },
    ],
  });
  await using _workers = await startWorkers(nats.url);
  await calls.curate('r1');
  const request = { run: 'test', step: 'r1', changes: '{"weights":{"faithfulness":2}}' };
  for await (const { part } of readStream(() => calls.client.recurate(request), { signal })) {
    const figures = figuresOf([RecurationPart.parse(JSON.parse(part))]);
    expect(figures).toMatchObject({ dataset: null, emptied: ['span'], rows: 0 });
    expect(figures.unjudged).toEqual([{ dataset: 'span', axis: 'faithfulness' }]);
    expect(figures.candidates.unscored).toEqual({ 'no judge measures faithfulness': 56 });
  }
});

test('examples that were certain without a score are left out where a changed selection reads one', async () => {
  const engine = { type: 'llm', provider: 'openai', model: 'judge-1' } as const;
  const { calls, nats } = await makeRound(8, {
    rounds: { max: 2, canaries: null },
    judges: [
      { name: 'em', axis: 'task', type: 'exact-match' },
      { name: 'span', axis: 'faithfulness', type: 'span-coverage' },
      { name: 'gpt', axis: 'instruction', ...engine },
    ],
  });
  const alike = (result: Result): Result => {
    if (result.kind !== 'sample' || result.unit !== 'r1-train-s0001') return result;
    const items = result.items.map(({ example, generations }) => ({
      example,
      generations: generations.map((one) =>
        one.outcome === 'generated' ? { ...one, text: 'Yes.' } : one,
      ),
    }));
    return { ...result, items };
  };
  await using workers = await startWorkers(nats.url, alike, ['em', 'span', 'gpt']);
  expect(await calls.curate('r1')).toMatchObject({
    outcome: 'sealed',
    candidates: { planned: 112, scored: 56, certain: 56 },
    byDataset: { instruct: { planned: 8, kept: 8 } },
  });
  expect(workers.answered.filter((one) => one.startsWith('gpt/'))).toEqual([]);
  const request = { run: 'test', step: 'r1', changes: '{"select":{"minScore":1}}' };
  for await (const { part } of readStream(() => calls.client.recurate(request), { signal })) {
    const figures = figuresOf([RecurationPart.parse(JSON.parse(part))]);
    expect(figures.byDataset['instruct']?.excluded).toEqual({ 'no scored candidate': 8 });
    expect(figures.candidates.unscored).toEqual({ 'gpt: no verdict': 56 });
  }
});
