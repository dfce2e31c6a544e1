import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Gives this process, and whatever it starts from now on, one folder for all that belongs into the system's temporary folder. It is gone
 * when this process has ended, killed or not: the program that removes it waits for the end of a pipe that nobody else holds.
 */
export function takeTemporaryRoot() {
  const folder = mkdtempSync(join(tmpdir(), 'reset-tests-'));
  const remover = spawn(
    process.execPath,
    [fileURLToPath(new URL('remove-at-end.mjs', import.meta.url)), folder],
    // In a group of its own, which Ctrl-C does not reach.
    { detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  );
  remover.unref();
  remover.stdin.unref();
  process.env.TMPDIR = folder;
}
