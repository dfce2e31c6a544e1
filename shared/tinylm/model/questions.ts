import { strideOf } from './activations.ts';
import type { TinyConfig } from './config.ts';
import type { LaneRequest } from './decode.ts';
import { cachedTokens, MAX_LANES } from './decode-plan.ts';
import type { SampleRequest } from './sample.ts';

/** Requests of a batch with the same prompt, which a thread continues together. */
export interface Piece {
  /** Begins with the end token. */
  readonly prompt: readonly number[];
  readonly lanes: LaneRequest[];
  /** Where in the batch the lanes belong. */
  readonly places: number[];
}

/**
 * Cuts a batch into what threads are asked at once: enough lanes to give every one of `workers` threads work, and no
 * more than fit its caches. A prompt with more lanes than a thread takes is the only one that is read twice.
 * Throws RangeError for ids and lengths that the model has no place for.
 */
export function toQuestions(
  config: TinyConfig,
  endToken: number,
  batch: readonly SampleRequest[],
  workers: number,
): Piece[][] {
  const goal = Math.ceil(batch.length / workers);
  const room = cachedTokens(config);
  const questions: Piece[][] = [];
  let used = NOTHING;
  for (const piece of toPieces(config, endToken, batch)) {
    const open = questions.at(-1);
    const size = sizeOf(piece);
    const sum = {
      lanes: used.lanes + size.lanes,
      prompt: used.prompt + size.prompt,
      own: used.own + size.own,
    };
    const fits = sum.lanes <= MAX_LANES && sum.prompt <= room && sum.own <= room;
    if (open !== undefined && used.lanes < goal && fits) {
      open.push(piece);
      used = sum;
    } else {
      questions.push([piece]);
      used = size;
    }
  }
  return questions;
}

const NOTHING = { lanes: 0, prompt: 0, own: 0 };

/** Lanes, and cached tokens of the prompt and of the completions. */
function sizeOf({ prompt, lanes }: Piece): typeof NOTHING {
  const own = lanes.reduce((sum, { limit }) => sum + strideOf(limit), 0);
  return { lanes: lanes.length, prompt: strideOf(prompt.length), own };
}

function toPieces(
  config: TinyConfig,
  endToken: number,
  batch: readonly SampleRequest[],
): Iterable<Piece> {
  const room = cachedTokens(config);
  const open = new Map<string, Piece>();
  const pieces: Piece[] = [];
  for (const [place, request] of batch.entries()) {
    const lane = toLane(config, request, place);
    const key = request.prompt.join();
    let piece = open.get(key);
    const full =
      piece !== undefined &&
      (piece.lanes.length === MAX_LANES || sizeOf(piece).own + strideOf(lane.limit) > room);
    if (piece === undefined || full) {
      piece = { prompt: [endToken, ...request.prompt], lanes: [], places: [] };
      open.set(key, piece);
      pieces.push(piece);
    }
    piece.lanes.push(lane);
    piece.places.push(place);
  }
  return pieces;
}

function toLane(config: TinyConfig, request: SampleRequest, place: number): LaneRequest {
  const { prompt, temperature, topK, seed, maxTokens, logprobs } = request;
  const left = config.max_position_embeddings - prompt.length;
  if (left < 0)
    throw new RangeError(
      `request ${place}: the prompt has ${prompt.length} tokens, the model takes ${config.max_position_embeddings}`,
    );
  const stranger = prompt.find((id) => !Number.isInteger(id) || id < 0 || id >= config.vocab_size);
  if (stranger !== undefined)
    throw new RangeError(`request ${place}: ${stranger} is no token of the model`);
  return { temperature, topK, seed, limit: Math.min(maxTokens, left), logprobs };
}
