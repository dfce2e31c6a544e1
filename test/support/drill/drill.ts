import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, inject, vi } from 'vitest';
import { check } from '../../drills/check/all.ts';
import type { ClusterEvent, DrillCluster } from './cluster.ts';
import { readMarks } from './evidence.ts';
import { undisturbedMark } from './undisturbed.ts';

/** Renewed each second; work of a killed peer goes to another one after this. */
export const ackWaitMs = 3000;
export const drillEnv = { RESET_ACK_WAIT_MS: String(ackWaitMs) };

/** How long a drill waits for what must come. A slow machine takes minutes to run several side by side. */
export const PATIENCE_MS = 300_000;

/** The state folder of the undisturbed run that all drills are compared with. */
export async function undisturbedRun(): Promise<string> {
  const state = inject('undisturbed');
  await vi.waitUntil(() => existsSync(undisturbedMark(state)), {
    timeout: PATIENCE_MS,
    interval: 100,
  });
  return state;
}

/** Goes on until the run's end, starting again what a kill has ended. Returns how often it started again. */
export async function finish(cluster: DrillCluster, limitMs = 2 * PATIENCE_MS): Promise<number> {
  const over = new AbortController();
  const limit = delay(limitMs, 'limit' as const, { signal: over.signal });
  // Aborted at the end, when nobody waits for it any more.
  limit.catch(() => undefined);
  try {
    for (let restarts = 0; ; restarts += 1) {
      const end = await Promise.race([cluster.ended(), limit]);
      if (end === 0) return restarts;
      const story = cluster.stderr.slice(-12).join('\n');
      // 1: the supervisor gives up on a process that the drill kills too often; a user starts again.
      expect([1, 'SIGKILL'], `ended with ${end}:\n${story}`).toContain(end);
      cluster.start();
    }
  } finally {
    over.abort();
  }
}

/** All invariants hold, and datasets, checkpoints and decisions are those of the undisturbed run. */
export async function expectSound({ state }: DrillCluster): Promise<void> {
  expect(await check(state, { reference: await undisturbedRun() })).toEqual([]);
}

/** Waits for an event of the run, such as a fact. */
export async function untilEvent(
  cluster: DrillCluster,
  wanted: (event: ClusterEvent) => boolean,
  timeout = PATIENCE_MS,
): Promise<void> {
  await expect.poll(() => cluster.events().some(wanted), { interval: 5, timeout }).toBe(true);
}

/** Names of the failpoints that have fired. */
export function fired(state: string): string[] {
  return readMarks(state).map(({ failpoint }) => failpoint);
}

/** Waits until each of these failpoints has fired. */
export async function untilFired({ state }: DrillCluster, ...names: string[]): Promise<void> {
  await expect
    .poll(() => fired(state), { timeout: PATIENCE_MS })
    .toEqual(expect.arrayContaining(names));
}
