import { availableParallelism, totalmem } from 'node:os';
import { messageOf } from '../../shared/contract/failure.ts';
import type { TrainerDescription } from '../../shared/contract/steps.ts';
import type { TrainerProfile } from '../../shared/contract/trainer-profile.ts';
import { launcherOf } from './launch/launchers.ts';
import { packageVersions, pythonProblems } from './launch/python.ts';
import { runTool } from './launch/tool.ts';

const MIB = 1024 ** 2;
const QUERY = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader,nounits'];

/** Looks at this machine, and at the launchers and Pythons of its back-ends. */
export async function describeTrainer(
  profiles: Readonly<Record<string, TrainerProfile>>,
): Promise<TrainerDescription> {
  const backends = Object.entries(profiles);
  const versions = backends.map(async ([name, { python }]) =>
    python === undefined ? [] : [[name, await packageVersions(python)] as const],
  );
  const problems = backends.map(
    async ([name, profile]) => [name, await problemsOf(profile)] as const,
  );
  return {
    gpus: await gpusHere(),
    memoryBytes: totalmem(),
    cores: availableParallelism(),
    versions: Object.fromEntries((await Promise.all(versions)).flat()),
    problems: Object.fromEntries(await Promise.all(problems)),
  };
}

/** A launcher that cannot be asked now is a problem as well. */
async function problemsOf(profile: TrainerProfile): Promise<string[]> {
  const found = await Promise.allSettled([
    launcherOf(profile).check(),
    profile.python === undefined ? [] : pythonProblems(profile.python),
  ]);
  return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : messageOf(one.reason)));
}

/** None where there is no nvidia-smi, or where it finds no driver. */
async function gpusHere(): Promise<TrainerDescription['gpus']> {
  const said = await runTool(['nvidia-smi', ...QUERY]).catch(() => undefined);
  if (said?.code !== 0) return [];
  return said.stdout
    .split('\n')
    .map((line) => line.split(',').map((word) => word.trim()))
    .flatMap(([name = '', memory = '', driver = '']) =>
      name === '' ? [] : [{ name, memoryBytes: (Number(memory) || 0) * MIB, driver }],
    );
}
