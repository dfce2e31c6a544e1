import { expect, test } from 'vitest';
import { callCurator, makeRound, roundOpened, startWorkers } from '../support/curating.ts';
import { startCurator } from '../support/curator.ts';

test('the second round asks the cells that won more often, and a kill in between changes nothing of it', async () => {
  const sampling = { server: 'local', maxTokens: 16, draw: 'temperature', reallocate: {} } as const;
  const { calls, nats, curator, options } = await makeRound(40, { sampling });
  const first = await (async () => {
    await using _workers = await startWorkers(nats.url);
    return await calls.curate('r1');
  })();
  if (first.outcome !== 'sealed') throw new Error('the first round has a dataset');
  const { outcome: _, ...sealed } = first;
  expect(new Set(Object.values(first.cells).map(({ candidates }) => candidates))).toEqual(
    new Set([80]),
  );
  await calls.append(2, { fact: 'dataset.sealed', step: 'r1', ...sealed });
  await calls.append(3, { ...roundOpened, step: 'r2', round: 2 });
  await calls.start('r2');
  await curator.kill('SIGKILL');

  await using again = await startCurator(options);
  const others = callCurator(again.grpc);
  await using _workers = await startWorkers(nats.url);
  const second = await others.curate('r2');
  others.close();
  if (second.outcome !== 'sealed') throw new Error('the second round has a dataset');
  expect(second.candidates).toEqual(first.candidates);
  const wins = Object.values(first.cells).map((cell) => cell.wins);
  const total = wins.reduce((sum, one) => sum + one, 0);
  for (const [name, { wins: won }] of Object.entries(first.cells)) {
    const share = 0.05 + 0.65 * (won / total);
    const asked = (second.cells[name]?.candidates ?? 0) / second.candidates.planned;
    expect(asked).toBeCloseTo(share, 1);
  }
}, 60_000);
