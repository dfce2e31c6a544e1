/**
 * A round with kills, lost messages, a broker that forgets and a full disk ends as an undisturbed one does: the curator's, samplers' and judges'
 * real machines and effects on a simulated bus, store and clock. A schedule is drawn from its seed.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../shared/contract/ids.ts';
import { disturb, driveRound, type Chaos } from '../support/chaos.ts';
import { writeRun } from '../support/curated-run.ts';
import { SimulatedCluster, type ClusterOptions } from '../support/simulated-cluster.ts';
import type { RoundOutcome } from '../support/simulated-curator.ts';
import { writeCheckpointStub } from '../support/simulated-model.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Round {
  outcome: RoundOutcome;
  /** sha256 of each file of the sealed datasets, by path. */
  files: Record<string, string>;
  /** Units that samplers and judges have begun. */
  executions: number;
  /** Executions beyond one of each unit that the disturbances explain. */
  excused: number;
}

type World = Pick<ClusterOptions, 'seed' | 'faults' | 'outageRate'>;

const calm: World = { seed: 1, faults: { maxLatencyMs: 2, lossRate: 0 }, outageRate: 0 };
const rough = { faults: { maxLatencyMs: 20, lossRate: 0.03 }, outageRate: 0.01 };
/** Some in `npm test`, many more in `.ci/run`. */
const SEEDS = Array.from(
  { length: Number(process.env['RESET_SCHEDULES'] ?? 6) },
  (_, seed) => seed,
);

async function runRound(world: World, chaos: Chaos): Promise<Round> {
  await using folder = await temporaryFolder();
  const file = writeRun(join(folder.path, 'rows'), { rows: 160 });
  const checkpoint = await writeCheckpointStub(join(folder.path, 'checkpoints'));
  const datasets = join(folder.path, 'datasets');
  await mkdir(datasets);
  await using cluster = new SimulatedCluster({ ...world, folder: folder.path, file });
  for (const name of cluster.names) await cluster.start(name);
  const over = new AbortController();
  const disturbing = disturb(cluster, chaos, over.signal);
  const outcome = await driveRound(cluster, file, checkpoint);
  over.abort();
  await disturbing;
  const { executions, broker } = cluster;
  return { outcome, files: await digests(datasets), executions, excused: broker.excused };
}

async function digests(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found[relative(folder, path)] = sha256(await readFile(path));
  }
  return found;
}

let undisturbed: Round;
beforeAll(async () => {
  undisturbed = await runRound(calm, { kills: 0, wipes: 0, fullDisks: 0 });
});

test('an undisturbed round is sealed and evaluated, whatever the order of its answers', async () => {
  expect(undisturbed.outcome).toMatchObject({
    curated: { outcome: 'sealed', rows: 320 },
    evaluated: { outcome: 'evaluated' },
  });
  const other = await runRound({ ...calm, seed: 2 }, { kills: 0, wipes: 0, fullDisks: 0 });
  expect(other).toEqual(undisturbed);
});

test.each(SEEDS)('schedule %i of kills and losses changes no byte of the dataset', async (seed) => {
  const round = await runRound({ ...rough, seed }, { kills: 8, wipes: 0, fullDisks: 1 });
  expect(round.outcome).toEqual(undisturbed.outcome);
  expect(round.files).toEqual(undisturbed.files);
  expect(round.executions).toBeLessThanOrEqual(undisturbed.executions + round.excused);
});

test.each(SEEDS)('schedule %i with a broker that loses its store changes no byte', async (seed) => {
  const round = await runRound(
    { ...rough, seed: seed + 100 },
    { kills: 4, wipes: 2, fullDisks: 0 },
  );
  expect(round.outcome).toEqual(undisturbed.outcome);
  expect(round.files).toEqual(undisturbed.files);
  expect(round.executions).toBeLessThanOrEqual(undisturbed.executions + round.excused);
});
