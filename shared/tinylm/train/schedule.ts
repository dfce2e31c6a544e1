import { permutation } from '../model/random.ts';
import type { TrainingSpec } from './spec.ts';

/** Share of the steps over which `constant-linear` lets the rate fall. */
const FALLING = 0.4;

/** How many sequences and steps a job has. A broken number of epochs ends within an epoch, and the last step may be smaller. */
export function lengthOf(
  { steps, epochs, batchSize }: TrainingSpec['training'],
  rows: number,
): { steps: number; sequences: number } {
  if (steps !== undefined) return { steps, sequences: steps * batchSize };
  const sequences = Math.max(1, Math.round((epochs ?? 1) * rows));
  return { steps: Math.ceil(sequences / batchSize), sequences };
}

/** Learning rate of step `step` (from 0) of `steps`: a linear rise, then what the schedule says, to 0 behind the last step. */
export function rateAt(training: TrainingSpec['training'], step: number, steps: number): number {
  const { learningRate, schedule, warmupRatio } = training;
  const warmup = Math.ceil(warmupRatio * steps);
  if (step < warmup) return (learningRate * (step + 1)) / warmup;
  const left = (steps - step) / Math.max(1, steps - warmup);
  switch (schedule) {
    case 'cosine':
      return (learningRate * (1 - Math.cos(Math.PI * left))) / 2;
    case 'linear':
      return learningRate * left;
    case 'constant-linear':
      return learningRate * Math.min(1, (steps - step) / Math.ceil(FALLING * steps));
  }
}

/**
 * The rows of each step. The order of an epoch depends on (seed, epoch) alone, so a job that is started again goes on
 * with the rows that it would have had.
 */
export function createOrder(seed: number, rows: number) {
  let epoch = -1;
  let order: Uint32Array = new Uint32Array(0);
  return (first: number, count: number): Uint32Array =>
    Uint32Array.from({ length: count }, (_, i) => {
      const wanted = Math.floor((first + i) / rows);
      if (wanted !== epoch) {
        epoch = wanted;
        order = permutation(rows, seed, epoch);
      }
      return order[(first + i) % rows] ?? 0;
    });
}
