/** A decoding thread: continues the groups of one question at a time, on weights that it shares with other threads. */
import { workerData } from 'node:worker_threads';
import { spaceOf } from '../kernels/load.ts';
import { answer } from '../threads.ts';
import { decode, type Group } from './decode.ts';
import type { DecodePlan } from './decode-plan.ts';
import { createEngine } from './engine.ts';
import type { Sample } from './sample.ts';

export interface DecodeThreadData {
  readonly memory: WebAssembly.Memory;
  readonly plan: DecodePlan;
  readonly thread: number;
  readonly endToken: number;
}

const { memory, plan, thread, endToken } = workerData as DecodeThreadData;
const room = plan.threads[thread];
if (room === undefined) throw new RangeError(`no room for thread ${thread}`);
const engine = createEngine(spaceOf(memory), plan.config, plan.parameters, room.engine);

answer((groups: readonly Group[]): Sample[] =>
  decode({ engine, room, packed: plan.packed, endToken }, groups),
);
