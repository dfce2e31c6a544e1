import { createSpace } from '../kernels/load.ts';
import { createThread } from '../threads.ts';
import type { TinyConfig } from '../model/config.ts';
import { queryCountOf, type Corpus } from './corpus.ts';
import { planTraining } from './plan.ts';
import type { Phase, Pieces, TrainingThreadData } from './worker.ts';

const BETA1 = 0.9;
const BETA2 = 0.98;
const EPSILON = 1e-8;
const LONGEST_GRADIENT = 1;

/** What changes from step to step, apart from the step's number. */
export interface TrainerState {
  readonly parameters: Float32Array;
  /** AdamW's moments. */
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** A model in training on threads; its weights do not depend on their number. */
export interface Trainer {
  /** Views into shared memory: copy them before the next step. */
  readonly state: TrainerState;
  /**
   * One AdamW step on `rows` of the training corpus; `step` counts from 1. Returns the mean loss by learned token before
   * the step; where the loss or the gradient is not finite, returns NaN and changes no weight.
   */
  step(step: number, rows: Uint32Array, rate: number, weightDecay: number): Promise<number>;
  /** Mean loss by learned token on the whole dev corpus. */
  evaluate(): Promise<number>;
  /** Mean KL(model ‖ anchor) by learned token of the whole dev corpus, in nats; `anchor` has the model's shape and vocabulary. */
  divergence(anchor: Float32Array): Promise<number>;
  close(): Promise<void>;
}

export function createTrainer(
  config: TinyConfig,
  train: Corpus,
  dev: Corpus,
  workers: number,
): Trainer {
  const plan = planTraining(config, Math.max(train.longest, dev.longest), workers);
  const space = createSpace(plan.floats);
  const next = new Int32Array(new SharedArrayBuffer(4));
  const threads = Array.from({ length: workers }, (_, thread) => {
    const data: TrainingThreadData = { memory: space.memory, plan, thread, train, dev, next };
    return createThread<Phase, Pieces>(new URL('./worker.js', import.meta.url), data);
  });
  const view = (at: number) => space.floats.subarray(at / 4, at / 4 + plan.total);

  /** Sums what the pieces gave in the order of their numbers. */
  async function run(phase: Phase): Promise<number> {
    Atomics.store(next, 0, 0);
    const answers = await Promise.all(threads.map((thread) => thread.ask(phase)));
    const pieces = answers.flat().toSorted(([a], [b]) => a - b);
    return pieces.reduce((sum, [, value]) => sum + value, 0);
  }

  const wholeDev = (): Uint32Array => Uint32Array.from({ length: dev.count }, (_, i) => i);

  return {
    state: {
      parameters: view(plan.parameters),
      first: view(plan.first),
      second: view(plan.second),
    },
    step: async (step, rows, rate, weightDecay) => {
      const learned = rows.reduce((sum, row) => sum + queryCountOf(train, row), 0);
      const loss = await run({ phase: 'gradient', rows, scale: 1 / learned });
      const norm = Math.sqrt(await run({ phase: 'reduce' }));
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) return Number.NaN;
      const update = {
        rate,
        decay: rate * weightDecay,
        clip: Math.min(1, LONGEST_GRADIENT / (norm + 1e-12)),
        beta1: BETA1,
        beta2: BETA2,
        correction1: 1 / (1 - BETA1 ** step),
        correction2: 1 / (1 - BETA2 ** step),
        epsilon: EPSILON,
      };
      await run({ phase: 'update', update });
      return loss / learned;
    },
    evaluate: async () => {
      return (await run({ phase: 'evaluate', rows: wholeDev() })) / dev.queries.length;
    },
    divergence: async (anchor) => {
      view(plan.anchor).set(anchor);
      return (await run({ phase: 'diverge', rows: wholeDev() })) / dev.queries.length;
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}
