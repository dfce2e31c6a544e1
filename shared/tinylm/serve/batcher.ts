/**
 * Requests to one model wait in a queue; what arrives within two milliseconds, or while a batch runs, is generated
 * together.
 *
 * B1. The queue is bounded: what does not fit is refused at once.
 * B2. Work of a client that has gone is dropped before it is generated.
 * B3. Closing finishes what the queue holds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Generator } from '../model/generate.ts';
import type { Sample, SampleRequest } from '../model/sample.ts';
import { ApiError, overloaded } from './api-error.ts';

const GATHER_MS = 2;
/** Samples that wait for one model. */
const MAX_QUEUED = 8192;
/** Cached positions of one batch, about 200 MB with the default architecture. */
const MAX_BATCH_POSITIONS = 65_536;

interface Waiting {
  request: SampleRequest;
  signal: AbortSignal;
  resolve: (sample: Sample) => void;
  reject: (reason: unknown) => void;
}

export interface Batcher {
  /** Samples in the order of `requests`. Rejects with a 429 when the queue is full, with the signal's reason when it aborts. */
  sample(requests: readonly SampleRequest[], signal: AbortSignal): Promise<Sample[]>;
  /** How many samples wait or are being generated. */
  inHand(): number;
  /** Resolves when all that was asked for is answered. */
  drained(): Promise<void>;
}

/** The queue of one model; `generate` never runs twice at a time. */
export function createBatcher(generator: Pick<Generator, 'generate'>): Batcher {
  let queue: Waiting[] = [];
  let running = Promise.resolve();
  let busy = false;
  let generating = 0;

  const run = async () => {
    while (queue.length > 0) {
      // A full batch need not wait for company.
      if (batchLength(queue) === queue.length) await sleep(GATHER_MS);
      for (const { signal, reject } of queue) if (signal.aborted) reject(signal.reason);
      queue = queue.filter(({ signal }) => !signal.aborted);
      const batch = queue.splice(0, batchLength(queue));
      generating = batch.length;
      if (batch.length > 0) await runBatch(generator, batch);
      generating = 0;
    }
    busy = false;
  };

  return {
    sample: (requests, signal) => {
      if (requests.length > MAX_QUEUED) {
        const message = `${requests.length} choices are too many for one request (at most ${MAX_QUEUED})`;
        return Promise.reject(new ApiError(400, message, { param: 'n' }));
      }
      if (queue.length + requests.length > MAX_QUEUED)
        return Promise.reject(overloaded(`${queue.length} samples wait already`));
      const samples = requests.map(
        (request) =>
          new Promise<Sample>((resolve, reject) => {
            queue.push({ request, signal, resolve, reject });
          }),
      );
      if (!busy) {
        busy = true;
        running = run();
      }
      return Promise.all(samples);
    },
    inHand: () => queue.length + generating,
    drained: () => running,
  };
}

async function runBatch(
  generator: Pick<Generator, 'generate'>,
  batch: readonly Waiting[],
): Promise<void> {
  try {
    const samples = await generator.generate(batch.map(({ request }) => request));
    batch.forEach(({ resolve, reject }, i) => {
      const sample = samples[i];
      if (sample === undefined) reject(new Error(`the generator left out sample ${i}`));
      else resolve(sample);
    });
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}

/** How many samples at the head of `queue` fit a batch; at least one. */
function batchLength(queue: readonly Waiting[]): number {
  let positions = 0;
  const length = queue.findIndex(({ request }) => {
    positions += request.prompt.length + request.maxTokens;
    return positions > MAX_BATCH_POSITIONS;
  });
  return length === -1 ? queue.length : Math.max(1, length);
}
