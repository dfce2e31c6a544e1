/** What trains and serves the models of a reproduction, and what of the paper's table it is asked for. */
import type { Profiles } from '../../../shared/contract/peer.ts';
import { deepspeed } from './deepspeed.ts';
import { type PlannedRun, planOf, type RunFileInput } from './plan.ts';
import { type Comparison, comparisonsOf } from './targets.ts';

export interface Engine {
  /** Without `--seeds`. */
  seeds: Readonly<Record<SizeName, readonly number[]>>;
  /** The demo's run file as this engine works it. */
  settle: (demo: RunFileInput, size: SizeName) => RunFileInput;
  plan: (demo: RunFileInput, checkpoints: string) => PlannedRun[];
  comparisons: readonly Comparison[];
  /** Makes what run files name beside the world in `folder`. */
  prepare: (folder: string, of: { seed: number; size: SizeName }) => Promise<void>;
  /** What run files mean by names of servers and trainers. Throws what to do where it is not installed. */
  profiles: () => Promise<Profiles | undefined>;
}

export type SizeName = 'full' | 'small';
export type EngineName = keyof typeof engines;

/** Everything inside of this package: every row, with three seeds. */
const tinylm: Engine = {
  seeds: { full: [1, 2, 3], small: [101] },
  settle: (demo) => demo,
  plan: planOf,
  comparisons: comparisonsOf.tinylm,
  prepare: () => Promise.resolve(),
  profiles: () => Promise.resolve(undefined),
};

export const engines = { tinylm, deepspeed } as const satisfies Record<string, Engine>;
