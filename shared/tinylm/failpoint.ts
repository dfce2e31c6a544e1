import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The failpoints of shared/process/failpoint.ts as far as a training program needs them, under the same two variables: tinylm imports
 * nothing of ours. `tinylm.state.rename.before=kill` kills, once in the life of the marks folder.
 */
const killing = new Set(
  (process.env['RESET_FAILPOINTS'] ?? '')
    .split(';')
    .flatMap((part) => /^(tinylm\.[a-z.-]+)=kill$/.exec(part.trim())?.[1] ?? []),
);
const marks = process.env['RESET_FAILPOINT_MARKS'];

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

async function failpoint(name: string): Promise<void> {
  if (!killing.has(name) || !leaveMark(name)) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal arrives a moment later; nothing may happen in between.
  await new Promise(() => undefined);
}

function leaveMark(name: string): boolean {
  if (marks === undefined) return true;
  mkdirSync(marks, { recursive: true });
  const line = { failpoint: name, action: 'kill', pid: process.pid, peer: 'training-program' };
  try {
    appendFileSync(join(marks, name), `${JSON.stringify(line)}\n`, { flag: 'ax' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
