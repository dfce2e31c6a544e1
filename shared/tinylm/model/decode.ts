import type { Pointer } from '../kernels/load.ts';
import { strideOf } from './activations.ts';
import { PREFILL_ROWS, type DecodePlan, type DecodeRoom } from './decode-plan.ts';
import { embeddingScale, type Engine } from './engine.ts';
import { forward, turn } from './forward.ts';
import type { Block, LayerBlocks } from './layout.ts';
import { layOut, toPortions } from './ragged.ts';
import { chooseToken, logProbability, type Choice, type Sample } from './sample.ts';

export interface LaneRequest extends Choice {
  /** Tokens to generate at most; there are positions for them. */
  readonly limit: number;
  readonly logprobs: boolean;
}

/** Lanes that continue the same prompt and share its keys and values. The prompt begins with the end token. */
export interface Group {
  readonly prompt: readonly number[];
  readonly lanes: readonly LaneRequest[];
}

/** A prompt in the caches: `at` and `stride` count tokens. */
interface CachedPrompt {
  readonly tokens: readonly number[];
  readonly at: number;
  readonly stride: number;
  readonly logits: Pointer;
}

interface Lane {
  readonly request: LaneRequest;
  readonly prompt: CachedPrompt;
  /** Where its own tokens begin in the caches. */
  readonly at: number;
  readonly stride: number;
  readonly sample: Sample;
}

export interface Decoder {
  readonly engine: Engine;
  readonly room: DecodeRoom;
  readonly packed: DecodePlan['packed'];
  readonly endToken: number;
}

/** Continues all lanes of `groups`, at most MAX_LANES that fit the caches; samples in the order of groups and lanes. */
export function decode(decoder: Decoder, groups: readonly Group[]): Sample[] {
  const lanes: Lane[] = [];
  const prompts = prefill(decoder, groups);
  let at = 0;
  for (const [i, { lanes: requests }] of groups.entries())
    for (const request of requests) {
      const prompt = prompts[i];
      if (prompt === undefined) throw new RangeError(`group ${i} has no prompt`);
      const stride = strideOf(request.limit);
      lanes.push({
        request,
        prompt,
        at,
        stride,
        sample: { tokens: [], logprobs: [], finish: 'length' },
      });
      at += stride;
    }
  let active = lanes.filter((lane) => extend(decoder, lane, lane.prompt.logits));
  while (active.length > 0) {
    step(decoder, active);
    const { logits } = decoder.room;
    const row = decoder.engine.config.vocab_size * 4;
    active = active.filter((lane, i) => extend(decoder, lane, logits + i * row));
  }
  return lanes.map((lane) => lane.sample);
}

/** Adds the next token to a lane; says whether it goes on. */
function extend(
  { engine, room, endToken }: Decoder,
  { request, sample }: Lane,
  logits: Pointer,
): boolean {
  if (sample.tokens.length >= request.limit) return false;
  const token = chooseToken(engine, logits, room.weights, request, sample.tokens.length);
  if (token === endToken) {
    sample.finish = 'stop';
    return false;
  }
  sample.tokens.push(token);
  if (request.logprobs) sample.logprobs.push(logProbability(engine, logits, token));
  return sample.tokens.length < request.limit;
}

/** Runs the prompts through the model, and keeps their keys, values and last logits. */
function prefill({ engine, room }: Decoder, groups: readonly Group[]): CachedPrompt[] {
  const { config, space } = engine;
  const row = config.vocab_size * 4;
  const prompts: CachedPrompt[] = [];
  let at = 0;
  for (const portion of toPortions(groups, PREFILL_ROWS, ({ prompt }) => prompt.length)) {
    const sequences = portion.map(({ prompt: tokens }) => ({
      tokens,
      queries: [tokens.length - 1],
      targets: [],
    }));
    const batch = layOut(sequences, config.conv_taps);
    forward(engine, room.prefill, batch);
    const from = room.prefill.logits / 4;
    const logits = room.promptLogits + prompts.length * row;
    space.floats.copyWithin(logits / 4, from, from + (portion.length * row) / 4);
    for (const [i, { row: first, length }] of batch.spans.entries()) {
      const tokens = portion[i]?.prompt ?? [];
      const prompt = { tokens, at, stride: strideOf(length), logits: logits + i * row };
      keep(engine, room, prompt, first);
      prompts.push(prompt);
      at += prompt.stride;
    }
  }
  return prompts;
}

/** Copies a prompt's keys and values out of the activations, where it begins at row `first`. */
function keep(engine: Engine, room: DecodeRoom, prompt: CachedPrompt, first: number): void {
  const { config, kernels, space } = engine;
  const d = config.hidden_size;
  const rows = prompt.tokens.length;
  for (const [i, { key, value }] of room.prefill.layers.entries()) {
    const cache = room.prompts[i];
    if (cache === undefined) throw new RangeError(`no cache for layer ${i}`);
    const target = cache.keys + prompt.at * d * 4;
    kernels.transposeInto(target, prompt.stride, 0, key + first * d * 4, rows, d);
    const from = value / 4 + first * d;
    space.floats.copyWithin(cache.values / 4 + prompt.at * d, from, from + rows * d);
  }
}

/** Logits [lanes, vocabulary] behind the last token of each lane, into `room.logits`. */
function step(decoder: Decoder, lanes: readonly Lane[]): void {
  const { engine, room } = decoder;
  const { config, kernels, layout, parameters, space } = engine;
  const { prefill: acts } = room;
  const d = config.hidden_size;
  const count = lanes.length;
  space.ints.set(windowsOf(lanes, config.conv_taps), acts.windows / 4);
  space.ints.set(
    lanes.map(({ prompt, sample }) => prompt.tokens.length + sample.tokens.length - 1),
    acts.positions / 4,
  );
  kernels.embed(
    ...([acts.stream, parameters + layout.embedding.offset * 4] as const),
    ...([parameters + layout.taps.offset * 4, acts.windows] as const),
    ...([count, config.conv_taps, d, embeddingScale(config)] as const),
  );
  for (const [i, blocks] of layout.layers.entries()) stepLayer(decoder, lanes, i, blocks);
  kernels.rmsNorm(acts.normed, acts.stream, acts.inverse, count, d);
  multiply(decoder, layout.embedding, acts.normed, room.logits, count);
}

/** The last tokens of each lane, newest first, −1 before the beginning. */
function windowsOf(lanes: readonly Lane[], taps: number): Int32Array {
  const windows = new Int32Array(lanes.length * taps).fill(-1);
  for (const [i, { prompt, sample }] of lanes.entries()) {
    const { tokens } = sample;
    for (let k = 0; k < taps; k++) {
      const own = tokens.length - 1 - k;
      windows[i * taps + k] =
        (own >= 0 ? tokens[own] : prompt.tokens[prompt.tokens.length + own]) ?? -1;
    }
  }
  return windows;
}

function stepLayer(
  decoder: Decoder,
  lanes: readonly Lane[],
  index: number,
  blocks: LayerBlocks,
): void {
  const { engine, room } = decoder;
  const { config, kernels } = engine;
  const { hidden_size: d, intermediate_size: f } = config;
  const { stream, positions } = room.prefill;
  const layer = room.prefill.layers[index];
  if (layer === undefined) throw new RangeError(`no activations for layer ${index}`);
  const count = lanes.length;
  kernels.rmsNorm(layer.normed, stream, layer.inverse, count, d);
  multiply(decoder, blocks.query, layer.normed, layer.query, count);
  multiply(decoder, blocks.key, layer.normed, layer.key, count);
  multiply(decoder, blocks.value, layer.normed, layer.value, count);
  turn(engine, layer.query, positions, count, 1);
  turn(engine, layer.key, positions, count, 1);
  for (const [i, lane] of lanes.entries()) attendLane(decoder, lane, index, i * d * 4);
  multiply(decoder, blocks.output, layer.mixed, stream, count, 1);
  kernels.rmsNorm(layer.fedNormed, stream, layer.fedInverse, count, d);
  multiply(decoder, blocks.up, layer.fedNormed, layer.hidden, count);
  kernels.squaredRelu(layer.active, layer.hidden, count * f);
  multiply(decoder, blocks.down, layer.active, stream, count, 1);
}

/** Puts the lane's new key and value into its cache and attends to all of them; `row` is its byte offset in the activations. */
function attendLane({ engine, room }: Decoder, lane: Lane, index: number, row: number): void {
  const { config, kernels, space, headSize } = engine;
  const { hidden_size: d, num_attention_heads: heads } = config;
  const layer = room.prefill.layers[index];
  const shared = room.prompts[index];
  const own = room.own[index];
  if (layer === undefined || shared === undefined || own === undefined)
    throw new RangeError(`no cache for layer ${index}`);
  const { prompt, at, stride, sample } = lane;
  const last = sample.tokens.length - 1;
  const keys = own.keys + at * d * 4;
  const values = own.values + at * d * 4;
  kernels.transposeInto(keys, stride, last, layer.key + row, 1, d);
  const from = (layer.value + row) / 4;
  space.floats.copyWithin(values / 4 + last * d, from, from + d);
  kernels.attendCached(
    ...([layer.mixed + row, layer.query + row] as const),
    ...([shared.keys + prompt.at * d * 4, shared.values + prompt.at * d * 4] as const),
    ...([prompt.tokens.length, prompt.stride, keys, values, last + 1, stride] as const),
    ...([heads, headSize, 1 / Math.sqrt(headSize), room.scores] as const),
  );
}

/** y [rows, out] = x [rows, in] · Wᵀ by the packed weights, added to y with `accumulate`. */
function multiply(
  { engine, packed }: Decoder,
  { offset, rows: out, columns: into }: Block,
  x: Pointer,
  y: Pointer,
  rows: number,
  accumulate = 0,
): void {
  const w = packed.get(offset);
  if (w === undefined) throw new RangeError(`the block at ${offset} is not packed`);
  engine.kernels.gemmPacked(rows, out, into, x, into, w, y, out, accumulate, engine.work);
}
