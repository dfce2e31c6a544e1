/** Removes a folder when its input ends: `remove-at-end.mjs <folder>`. */
import { rmSync } from 'node:fs';

const [folder = ''] = process.argv.slice(2);

process.stdin.resume().once('end', () => {
  // What a killed test has started may still write there for some seconds.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});
