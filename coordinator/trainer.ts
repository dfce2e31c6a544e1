import type { TrainRequest } from '../shared/contract/steps.ts';
import { readStream, trainerClient, unary } from '../shared/rpc/client.ts';
import type { Tls } from '../shared/process/environment.ts';
import type { StepMessage } from './outcome.ts';

/** A trainer, as the coordinator calls it. */
export interface Trainer {
  start(request: TrainRequest, signal: AbortSignal): Promise<void>;
  watch(run: string, step: string, signal: AbortSignal): AsyncIterable<StepMessage>;
  cancel(run: string, step: string, signal: AbortSignal): Promise<void>;
  /** Has it remove the checkpoints, as far as no other run needs them. May be repeated. */
  release(
    run: string,
    released: { round: number; checkpoints: readonly string[] },
    signal: AbortSignal,
  ): Promise<void>;
  /** GPU-seconds that the run has used there. */
  spent(run: string, signal: AbortSignal): Promise<number>;
}

const CALL_MS = 10_000;

export function connectTrainer(address: string, tls: Tls | undefined): Trainer {
  const client = trainerClient(address, tls);
  return {
    start: async (request, signal) => {
      await unary(
        client.startTrain.bind(client),
        { request: JSON.stringify(request) },
        { deadlineMs: CALL_MS, signal },
      );
    },
    watch: (run, step, signal) => readStream(() => client.watchTrain({ run, step }), { signal }),
    cancel: async (run, step, signal) => {
      await unary(client.cancelTrain.bind(client), { run, step }, { deadlineMs: CALL_MS, signal });
    },
    release: async (run, { round, checkpoints }, signal) => {
      await unary(
        client.release.bind(client),
        { run, round, checkpoints: [...checkpoints] },
        { deadlineMs: CALL_MS, signal },
      );
    },
    spent: async (run, signal) => {
      const options = { deadlineMs: CALL_MS, signal };
      const { gpuSeconds } = await unary(client.spent.bind(client), { run }, options);
      return gpuSeconds;
    },
  };
}
