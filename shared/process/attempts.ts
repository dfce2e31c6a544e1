import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../contract/peer.ts';

/** One execution of a unit by a worker; `queue` is `sample` or the judge's name. */
export interface Attempt {
  role: Role;
  run: string;
  queue: string;
  unit: string;
  /** Examples in hand: fewer than planned where the unit was resumed. */
  items: number;
}

const folder = process.env['RESET_ATTEMPTS'];
const peer = process.env['RESET_PEER'] ?? 'unnamed';

/**
 * Says that work begins, on a line that survives kill -9, so that a drill can count executions. Off unless RESET_ATTEMPTS names a folder;
 * each peer writes its own file there.
 */
export function recordAttempt(attempt: Attempt): void {
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, `${peer}.jsonl`), `${JSON.stringify(attempt)}\n`);
}
