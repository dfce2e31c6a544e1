import { exits } from './exit.ts';

/** Ends the program where what read stdout has gone, as with `| head`, which is no failure, or where stdout cannot be written. */
export function endWithReader(): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exits.done);
    process.stderr.write(`reset-loop: stdout cannot be written: ${error.message}\n`);
    process.exit(exits.failed);
  });
}

/** Ends the program once everything that it said is on its way: a pipe takes it as fast as it is read, and an exit drops the rest. */
export async function exitWith(code: number): Promise<never> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) =>
        new Promise<void>((resolve) => {
          stream.write('', () => {
            resolve();
          });
        }),
    ),
  );
  process.exit(code);
}
