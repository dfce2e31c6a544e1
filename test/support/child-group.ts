import { readdirSync, readFileSync } from 'node:fs';
import { processesOf } from './drill/processes-of.ts';

/** The process that keeps the server of a sampler whose checkpoints lie in `folder`; 0 where none runs. */
export function keeperOf(folder: string): number {
  return processesOf(folder).find(({ command }) => command.includes('keeper.js'))?.pid ?? 0;
}

/** Every running process of the group that `leader` began, by age. Servers give their processes other names, their group they keep. Linux alone. */
export function groupOf(leader: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [state, , group] = statOf(pid);
      return Number(group) === leader && state !== 'Z';
    })
    .map(Number)
    .sort((one, other) => one - other);
}

/** State, parent, group and what follows; empty for a process that is gone. */
function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
