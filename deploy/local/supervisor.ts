import { mkdirSync } from 'node:fs';
import { type ChildFolders, type ChildSpec, SupervisedChild } from './child.ts';

const graceMs = 15_000;

/** Keeps processes running and ends them in order. */
export interface Supervisor {
  /** Starts a group at once. */
  start(specs: readonly ChildSpec[]): void;
  /** Rejects, naming the child and its log's last lines, when one dies too often. */
  readonly failed: Promise<never>;
  /** Ends the groups, the last started first: SIGTERM, after 15 s SIGKILL. */
  stop(): Promise<void>;
  /** SIGKILL to all, for a second Ctrl-C; `stop` then ends soon. */
  kill(): void;
}

export function createSupervisor(folders: ChildFolders): Supervisor {
  const groups: SupervisedChild[][] = [];
  let giveUp: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  // Whoever waits for it sees the rejection; it must not end the process before.
  failed.catch(() => undefined);
  for (const folder of [folders.logs, folders.pids]) mkdirSync(folder, { recursive: true });
  return {
    failed,
    start: (specs) => {
      groups.push(specs.map((spec) => new SupervisedChild(spec, folders, giveUp)));
    },
    stop: async () => {
      for (const group of groups.toReversed()) {
        await Promise.all(group.map((child) => child.stop(graceMs)));
      }
    },
    kill: () => {
      for (const child of groups.flat()) child.kill();
    },
  };
}
