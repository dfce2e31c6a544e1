import { once } from 'node:events';
import { exits } from './exit.ts';

/** Ends the program where what read stdout has gone, as with `| head`, which is no failure, or where stdout cannot be written. */
export function endWithReader(): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exits.done);
    process.stderr.write(`reset-loop: stdout cannot be written: ${error.message}\n`);
    process.exit(exits.failed);
  });
}

/**
 * Ends the program once everything that it said is on its way: a pipe takes it as fast as it is read, and an exit drops the rest.
 * `stop` ends the wait, for a reader that is there and reads no more.
 */
export async function exitWith(code: number, stop: AbortSignal): Promise<never> {
  if (!stop.aborted)
    await Promise.race([
      Promise.all([process.stdout, process.stderr].map(taken)),
      once(stop, 'abort'),
    ]);
  process.exit(code);
}

function taken(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
