/** Carries out the plan of one seed. Its runs, run files and worlds are named by the seed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { writeWorld } from '../world/write.ts';
import { carryOut, type RunEvent } from './carry-out.ts';
import { engines } from './engines.ts';
import type { Journal } from './journal.ts';
import type { PlannedRun, RunFileInput, RunName } from './plan.ts';
import type { ReproduceArguments } from './arguments.ts';
import type { Settings } from './table.ts';

export interface Place {
  /** The state folder of the cluster that works for it. */
  state: string;
  seed: number;
}

/** The name of a seed's run in the ledger. */
export function nameOf(seed: number, run: RunName): string {
  return `s${seed}-${run}`;
}

/** The run file of a seed's run, beside its world. */
export function runFileOf(
  { state, seed }: Place,
  { name, clean }: Pick<PlannedRun, 'name' | 'clean'>,
): string {
  return join(state, 'runs', clean ? `s${seed}-clean` : `s${seed}`, `${name}.yaml`);
}

/** Makes the worlds of a seed where they are not there yet: with the habits, and without; and what the engine needs beside them. */
export async function makeWorlds(
  place: Place,
  plan: readonly PlannedRun[],
  { engine, habits, vocabulary, size }: Settings,
  world: ReproduceArguments['demo']['world'],
): Promise<void> {
  const folders = new Map(
    plan.map((run) => [dirname(runFileOf(place, run)), run.clean ? 0 : habits.factor]),
  );
  for (const [folder, factor] of folders) {
    const { seed } = place;
    const options = { seed, size: world, habits: { ...habits, factor }, vocabulary };
    await writeWorld(join(folder, 'world'), options);
    await engines[engine].prepare(folder, { seed, size });
  }
}

/** Carries out one planned run; what it needs must have finished. */
export async function carryOutPlanned(
  place: Place,
  run: PlannedRun,
  finished: ReadonlyMap<RunName, Journal>,
  hear: (event: RunEvent) => void,
  signal: AbortSignal,
): Promise<Journal> {
  const path = runFileOf(place, run);
  const file: RunFileInput = {
    ...run.file(finished),
    run: nameOf(place.seed, run.name),
    seed: place.seed,
  };
  await mkdir(dirname(path), { recursive: true });
  // Written anew at each start, so a torn one is of no harm.
  await writeFile(path, stringify(file));
  return carryOut(path, place.state, hear, signal);
}
