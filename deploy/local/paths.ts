import { join } from 'node:path';

/** The root of the clone: code runs from `dist/deploy/local`. */
export const packageRoot = join(import.meta.dirname, '../../..');

/** The compiled program of a path such as `agents/sampler/main.js`. */
export function programPath(path: string): string {
  return join(packageRoot, 'dist', path);
}
