import { PermanentError, TransientError } from '../../../shared/contract/failure.ts';
import type { SampleUnit } from '../../../shared/contract/work.ts';

/** One generation. `temperature` 0 is greedy, `topK` 0 is off. */
export interface Completion {
  /** The name that the server lists. */
  model: string;
  prompt: string;
  temperature: number;
  topK: number;
  seed: number;
  maxTokens: number;
  logprobs: boolean;
  /** As in a sample unit. */
  stop?: SampleUnit['stop'];
}

/** What a server made of a request. A refusal is final: the same request would be refused again. */
export type Completed =
  | {
      outcome: 'generated';
      text: string;
      tokens: number;
      finish: 'stop' | 'length';
      /** Of the generated tokens, null where they were not asked for or the server gives none. */
      logprobs: readonly number[] | null;
      /** Texts of the generated tokens, null as above. */
      pieces: readonly string[] | null;
    }
  | { outcome: 'failed'; reason: string };

/**
 * A model server as the sampler drives it. Every call throws TransientError where the server is away or busy, and PermanentError where it
 * cannot be used as it is configured.
 */
export interface ModelServer {
  /** Names it among the servers of its profile. */
  readonly url: string;
  /** How far its log probabilities may be from those of the training program, in nats: another engine rounds differently. */
  readonly tolerance: number;
  /** Whether loading a checkpoint takes away the one that was served. */
  readonly holdsOne: boolean;
  /** Requests at once, at most, while it does not say what it has to do. */
  readonly ceiling: number;
  /** What is served now, as text; any change means that the fingerprint has to be probed again. */
  served(signal: AbortSignal): Promise<readonly ServedModel[]>;
  /** Makes the server serve the checkpoint in `folder` under `name`. PermanentError where it cannot, saying what to do. */
  load(name: string, folder: string, signal: AbortSignal): Promise<void>;
  complete(completion: Completion, signal: AbortSignal): Promise<Completed>;
  /** What it has to do now; null where it does not say. */
  queue(signal: AbortSignal): Promise<Queue | null>;
  /** Ends what was started to serve. */
  close(): Promise<void>;
}

export interface ServedModel {
  name: string;
  /** Changes when the server loads the name anew; null where it does not say. */
  since: number | null;
  /** Tokens that it takes for a prompt and its answer, where it says so. */
  window?: number;
}

/** Requests that a server works on and lets wait, of all its clients, and the share of its cache that is in use, from 0 to 1. */
export interface Queue {
  running: number;
  waiting: number;
  cache: number;
}

/** The server has too much to do, or took too long: ask it for less. */
export class OverloadedError extends TransientError {
  override readonly name = 'OverloadedError';
}

/** The server answered with a model other than the one that was asked for: nothing it says may be used. */
export class WrongModelError extends PermanentError {
  override readonly name = 'WrongModelError';
}
