/** The report of a run, from its running curator and from the ledger that it left. */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { report } from '../../coordinator/cli/report.ts';
import { incumbent, makeRound, startWorkers } from '../support/curating.ts';

const signal = new AbortController().signal;

test('a report has the figures of the answers, and is the same beside a running curator and at rest', async () => {
  const { calls, nats, curator, folder } = await makeRound(8);
  await using _workers = await startWorkers(nats.url);
  const evaluated = await calls.evaluate('r0', incumbent);
  if (evaluated.outcome !== 'evaluated') throw new Error('the start has an evaluation');
  const { outcome: _, ...evaluation } = evaluated;
  await calls.append(2, {
    fact: 'evaluation.finished',
    step: 'r0',
    checkpoint: incumbent,
    ...evaluation,
  });
  const written = async (name: string, state: string, url?: string): Promise<string> => {
    const out = join(folder, name);
    expect(await report({ state, nats: url, json: false, out }, signal)).toBe(0);
    return readFileSync(out, 'utf8');
  };
  const live = await written('live.md', folder, nats.url);
  expect(live).toContain('Not finished');
  // The workers answer with one or two words, and the gold answer is one.
  expect(live).toMatch(/\| gold answers \| 1\.0 \| – \|/);
  expect(live).toMatch(/\| start \| [12]\.\d \| [12]\.\d \|/);
  expect(live).toMatch(/\| extractive \| start \|/);
  expect(live).toContain(`| r0: evaluation | \`${evaluation.evaluation}\` |`);

  await curator.kill('SIGTERM');
  renameSync(join(folder, 'state'), join(folder, 'curator-1'));
  expect(await written('rest.md', folder)).toBe(live);
}, 60_000);
