import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { holderOf } from '#local/lock.mjs';
import { processesOf } from '../../support/drill/processes-of.ts';
import { type Evidence, factsOf, places } from './evidence.ts';
import { finder, type Violation } from './violation.ts';

/** I9: the run has finished, and nothing of it is left: no process, no half-written file, no lock that somebody holds. */
export function checkEnding({ state, runs }: Evidence): Violation[] {
  const { found, expect } = finder('I9');
  expect(runs.length > 0, () => `the ledger has no run`);
  for (const run of runs) {
    const last = factsOf(run).at(-1);
    expect(
      last?.fact === 'run.finished',
      () =>
        `${run.name}: the journal ends with ${last?.fact ?? 'nothing'}, the run has not finished`,
    );
  }
  for (const { pid, command } of processesOf(state))
    expect(false, () => `process ${pid} still works here: ${command.slice(0, 120)}`);
  for (const file of leftovers(state)) expect(false, () => `${file} was left half written`);
  const { lock, cluster } = places(state);
  expect(holderOf(lock) === undefined, () => `${lock} is held`);
  expect(!existsSync(cluster), () => `${cluster} says that a cluster runs here`);
  return found;
}

function leftovers(state: string): string[] {
  return readdirSync(state, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('drill/') && /(^|[/.])\.?staging(-[^/]*)?$/.test(path))
    .map((path) => join(state, path));
}
