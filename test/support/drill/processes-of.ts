import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process that works in a folder. */
export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

interface ListedProcess extends FoundProcess {
  readonly parent: number;
  /** Command line and environment. */
  readonly words: string;
}

/**
 * Every running process whose command line or environment names the folder: a whole cluster, orphans included. This process and those
 * that started it, such as a shell, are not among them.
 */
export function processesOf(folder: string): FoundProcess[] {
  const all = process.platform === 'linux' ? fromProc() : fromPs();
  const own = new Set<number>();
  for (let pid: number | undefined = process.pid; pid !== undefined && pid > 1 && !own.has(pid);) {
    own.add(pid);
    const here: number = pid;
    pid = all.find((one) => one.pid === here)?.parent;
  }
  return all
    .filter(({ pid, words }) => !own.has(pid) && words.includes(folder))
    .map(({ pid, command }) => ({ pid, command }));
}

function fromProc(): ListedProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      const command = textOf(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
      const stat = textOf(`/proc/${name}/stat`);
      return {
        pid: Number(name),
        parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]),
        command,
        words: `${command}\n${textOf(`/proc/${name}/environ`)}`,
      };
    });
}

/** Empty for a process that is gone, a zombie, or another user's. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function fromPs(): ListedProcess[] {
  return execFileSync('ps', ['-axEwwo', 'pid=,ppid=,command='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => {
      const [pid, parent, ...words] = line.trim().split(/\s+/);
      const command = words.join(' ');
      return { pid: Number(pid), parent: Number(parent), command, words: command };
    });
}
