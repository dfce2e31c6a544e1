/**
 * Locks of this machine's processes. A holder is named by pid and start time, since pids are used again, so a lock that
 * a killed process left behind is seen to be nobody's. Plain JavaScript: the first start needs it before any build.
 */
import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** When a process started, as a text that only this process has; undefined where none runs (a zombie does not run). */
export function startTimeOf(pid) {
  try {
    if (process.platform === 'linux') {
      // The name in parentheses may hold anything; state and start time are the 1st and 20th field behind it.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot} ${fields[19]}`;
    }
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const [state, ...time] = line.split(/\s+/);
    return state === undefined || state.startsWith('Z') ? undefined : time.join(' ');
  } catch {
    return undefined;
  }
}

/** Whether the process that `holder` names still runs. */
export function isRunning(holder) {
  return startTimeOf(holder.pid) === holder.startTime;
}

/**
 * Takes the lock file `path` for this process: `{ release }` where it is ours now, `{ holder }` where another running
 * process has it. Throws where the folder cannot be written.
 */
export function takeLock(path) {
  const mine = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, mine);
  try {
    for (;;) {
      try {
        // A link is made whole or not at all, and fails where the file exists.
        linkSync(draft, path);
        return { release: () => release(path, mine) };
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const holder = holderOf(path);
      if (holder !== undefined) return { holder };
      removeStale(path);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Who holds the lock file, if a running process does. */
export function holderOf(path) {
  return runningHolder(read(path) ?? '');
}

function release(path, mine) {
  if (read(path) === mine) rmSync(path, { force: true });
}

/** Two may see the same stale lock; one at a time looks again and removes it, so that a new one is never removed. */
function removeStale(path) {
  const turn = takeLock(`${path}.stale`);
  if (turn.holder !== undefined) return;
  try {
    const text = read(path);
    if (text !== undefined && runningHolder(text) === undefined) rmSync(path, { force: true });
  } finally {
    turn.release();
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function runningHolder(text) {
  try {
    const holder = JSON.parse(text);
    return isRunning(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}
