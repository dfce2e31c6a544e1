/** A training thread: takes part in each phase of a step, on memory that it shares with the other threads. */
import { workerData } from 'node:worker_threads';
import { spaceOf } from '../kernels/load.ts';
import { answer } from '../threads.ts';
import { backward, lossOf } from '../model/backward.ts';
import { divergenceOf } from '../model/divergence.ts';
import { createEngine } from '../model/engine.ts';
import { forward } from '../model/forward.ts';
import { layOut, toPortions, type Sequence } from '../model/ragged.ts';
import { sequenceOf, type Corpus } from './corpus.ts';
import { PORTION_TOKENS, SHARDS, SLICES, sliceOf, type Plan } from './plan.ts';

export interface TrainingThreadData {
  readonly memory: WebAssembly.Memory;
  readonly plan: Plan;
  readonly thread: number;
  readonly train: Corpus;
  readonly dev: Corpus;
  /** One counter, from which the threads of a phase draw the next piece of work. */
  readonly next: Int32Array;
}

/**
 * gradient: shards of the batch `rows`, each gradient times `scale`; answers the loss of each shard that was drawn.
 * evaluate: losses on the rows of dev, in groups of every eighth row. diverge: how far the model is from
 * the anchor on the rows of dev, in the same groups. reduce: sums the shards slice by slice; answers the squared norms.
 * update: AdamW on each slice.
 */
export type Phase =
  | { readonly phase: 'gradient'; readonly rows: Uint32Array; readonly scale: number }
  | { readonly phase: 'evaluate' | 'diverge'; readonly rows: Uint32Array }
  | { readonly phase: 'reduce' }
  | { readonly phase: 'update'; readonly update: Update };

export interface Update {
  readonly rate: number;
  readonly decay: number;
  readonly clip: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly correction1: number;
  readonly correction2: number;
  readonly epsilon: number;
}

/** The value that each piece of work gave, by the piece's number. */
export type Pieces = readonly (readonly [piece: number, value: number])[];

const { memory, plan, thread, train, dev, next } = workerData as TrainingThreadData;
const space = spaceOf(memory);
const room = plan.threads[thread];
if (room === undefined) throw new RangeError(`no room for thread ${thread}`);
const { acts, gradients } = room;
const engine = createEngine(space, plan.config, plan.parameters, room.engine);
const anchor = { ...engine, parameters: plan.anchor };
const { kernels } = engine;
const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
const slices = Array.from({ length: SLICES }, (_, slice) => slice);

answer((question: Phase): Pieces => {
  switch (question.phase) {
    case 'gradient':
      return draw(longestFirst(train, question.rows), (shard) =>
        gradientOf(shard, question.rows, question.scale),
      );
    case 'evaluate':
      return draw(shards, (group) => evaluate(group, question.rows));
    case 'diverge':
      return draw(shards, (group) => diverge(group, question.rows));
    case 'reduce':
      return draw(slices, reduce);
    case 'update':
      return draw(slices, (slice) => update(slice, question.update));
  }
});

/** Works on pieces that no other thread has drawn, until there are none. */
function draw(pieces: readonly number[], work: (piece: number) => number): Pieces {
  const done: [number, number][] = [];
  for (;;) {
    const piece = pieces[Atomics.add(next, 0, 1)];
    if (piece === undefined) return done;
    done.push([piece, work(piece)]);
  }
}

/** Shards by falling number of tokens, so that at the end no thread waits long for another. Their sum does not depend on it. */
function longestFirst({ starts }: Corpus, rows: Uint32Array): number[] {
  const tokens = shards.map(() => 0);
  for (const [i, row] of rows.entries()) {
    const length = (starts[row + 1] ?? 0) - (starts[row] ?? 0);
    tokens[i % SHARDS] = (tokens[i % SHARDS] ?? 0) + length;
  }
  return shards.toSorted((a, b) => (tokens[b] ?? 0) - (tokens[a] ?? 0));
}

function shardOf(corpus: Corpus, shard: number, rows: Uint32Array): Sequence[][] {
  const own = [...rows].filter((_, i) => i % SHARDS === shard);
  const sequences = own.map((row) => sequenceOf(corpus, row));
  return toPortions(sequences, PORTION_TOKENS, ({ tokens }) => tokens.length);
}

function gradientOf(shard: number, rows: Uint32Array, scale: number): number {
  const into = plan.shards + shard * plan.total * 4;
  space.floats.fill(0, into / 4, into / 4 + plan.total);
  let loss = 0;
  for (const portion of shardOf(train, shard, rows)) {
    const batch = layOut(portion, plan.config.conv_taps);
    forward(engine, acts, batch);
    loss += backward(engine, acts, gradients, batch, into, scale);
  }
  return loss;
}

function evaluate(group: number, rows: Uint32Array): number {
  let loss = 0;
  for (const portion of shardOf(dev, group, rows)) {
    const batch = layOut(portion, plan.config.conv_taps);
    forward(engine, acts, batch);
    loss += lossOf(engine, acts, batch, 1);
  }
  return loss;
}

function diverge(group: number, rows: Uint32Array): number {
  let sum = 0;
  for (const portion of shardOf(dev, group, rows)) {
    const batch = layOut(portion, plan.config.conv_taps);
    const vocabulary = plan.config.vocab_size;
    const logits = space.floats.subarray(
      acts.logits / 4,
      acts.logits / 4 + batch.queries * vocabulary,
    );
    forward(engine, acts, batch);
    const own = logits.slice();
    forward(anchor, acts, batch);
    sum += divergenceOf(own, logits, vocabulary);
  }
  return sum;
}

function reduce(slice: number): number {
  const [from, to] = sliceOf(plan.total, slice);
  const target = plan.gradient + from * 4;
  kernels.sumShards(target, plan.shards + from * 4, plan.total, SHARDS, to - from);
  return kernels.squaredNorm(target, to - from);
}

function update(slice: number, how: Update): number {
  const [from, to] = sliceOf(plan.total, slice);
  const border = Math.min(Math.max(plan.decayedTotal, from), to);
  updateRange(from, border, how.decay, how);
  updateRange(border, to, 0, how);
  return 0;
}

function updateRange(from: number, to: number, decay: number, how: Update): void {
  const at = from * 4;
  kernels.adamW(
    ...([plan.parameters + at, plan.gradient + at, plan.first + at, plan.second + at] as const),
    ...([to - from, how.rate, decay, how.clip, how.beta1, how.beta2] as const),
    ...([how.correction1, how.correction2, how.epsilon] as const),
  );
}
