import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PermanentError } from '../contract/failure.ts';

/** `stop` is SIGSTOP: somebody else has to let the process go on. */
type Action = 'kill' | 'stop' | 'throw' | 'enospc';

interface Failpoint {
  action: Action;
  /** Fires at this hit of the process, from 1. */
  atHit: number;
}

/**
 * Failpoints of this process, from RESET_FAILPOINTS: `ledger.results.before=kill;bus.offer.after@3=throw`. Off in every real deployment.
 * RESET_FAILPOINT_MARKS names a folder that outlives the process: each failpoint leaves a file there before it fires, and fires never again.
 */
const failpoints = readFailpoints(process.env['RESET_FAILPOINTS'] ?? '');
const marks = process.env['RESET_FAILPOINT_MARKS'];
const hits = new Map<string, number>();

/** Reads `name=action` or `name@hit=action`, separated by `;`. Throws PermanentError on anything else: a drill that kills nothing proves nothing. */
export function readFailpoints(text: string): ReadonlyMap<string, Failpoint> {
  const found = new Map<string, Failpoint>();
  for (const part of text.split(';').filter((part) => part.trim() !== '')) {
    const match = /^([a-z0-9.-]+)(?:@([1-9]\d*))?=(kill|stop|throw|enospc)$/.exec(part.trim());
    const [, name, hit, action] = match ?? [];
    if (name === undefined || action === undefined) {
      throw new PermanentError(
        `RESET_FAILPOINTS: "${part}" is not name=kill, name=stop, name=throw, name=enospc or name@3=kill`,
      );
    }
    found.set(name, { action: action as Action, atHit: Number(hit ?? 1) });
  }
  return found;
}

/** Does nothing unless RESET_FAILPOINTS names it; then it kills the process or throws, once in the life of the marks folder. */
export async function failpoint(name: string): Promise<void> {
  const point = failpoints.get(name);
  if (point === undefined) return;
  const hit = (hits.get(name) ?? 0) + 1;
  hits.set(name, hit);
  if (hit !== point.atHit || !leaveMark(name, point.action)) return;
  await fire(name, point.action);
}

/** Performs a named effect between its two failpoints, `<name>.before` and `<name>.after`. */
export async function performEffect<TResult>(
  name: string,
  perform: () => Promise<TResult>,
): Promise<TResult> {
  await failpoint(`${name}.before`);
  const result = await perform();
  await failpoint(`${name}.after`);
  return result;
}

function leaveMark(name: string, action: Action): boolean {
  if (marks === undefined) return true;
  mkdirSync(marks, { recursive: true });
  const line = { failpoint: name, action, pid: process.pid, peer: process.env['RESET_PEER'] };
  try {
    appendFileSync(join(marks, name), `${JSON.stringify(line)}\n`, { flag: 'ax' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function fire(name: string, action: Action): Promise<void> {
  switch (action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      // The signal arrives a moment later; nothing may happen in between.
      return new Promise(() => undefined);
    case 'stop':
      process.kill(process.pid, 'SIGSTOP');
      return;
    case 'throw':
      throw new Error(`failpoint ${name}`);
    case 'enospc':
      throw Object.assign(new Error(`ENOSPC: no space left on device, failpoint ${name}`), {
        code: 'ENOSPC',
      });
  }
}
