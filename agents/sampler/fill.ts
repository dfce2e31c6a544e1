import { setMaxListeners } from 'node:events';
import type { Generation, SampleRequest, SampleUnit } from '../../shared/contract/work.ts';
import type { Concurrency } from '../../shared/process/concurrency.ts';
import { withDeadline } from '../../shared/process/deadline.ts';
import { generationsCounter } from '../../shared/process/metrics.ts';
import type { ModelServer } from './servers/driver.ts';

/** All cells of one example; a server that needs longer is stuck, or has too much to do. */
const EXAMPLE_DEADLINE_MS = 120_000;

export interface FillDeps {
  server: ModelServer;
  /** Counted in examples: the cells of one go out together, so that the server prefills their prompt once. */
  concurrency: Concurrency;
}

type Item = SampleUnit['items'][number];

/**
 * Asks the server for every request of the unit that has no generation yet and puts each into `generations`, by candidate. Throws the first
 * failure that is not about one candidate, with what was generated until then in place.
 */
export async function fill(
  unit: SampleUnit,
  generations: Map<string, Generation>,
  { server, concurrency }: FillDeps,
  signal: AbortSignal,
): Promise<void> {
  const giveUp = new AbortController();
  const stop = AbortSignal.any([signal, giveUp.signal]);
  // One listener an example that waits.
  setMaxListeners(0, stop);
  const abort = (error: unknown): void => {
    giveUp.abort(error);
  };
  const fillOne = async (item: Item): Promise<void> => {
    const missing = item.requests.filter(({ candidate }) => !generations.has(candidate));
    if (missing.length === 0) return;
    await concurrency.run(
      () =>
        withDeadline(EXAMPLE_DEADLINE_MS, stop, async (limit) => {
          setMaxListeners(0, limit);
          const asked = missing.map(async (request) => {
            const generation = await generate(unit, item, request, server, limit);
            generations.set(request.candidate, generation);
            generationsCounter.inc({ outcome: generation.outcome });
          });
          await allOrFirstFailure(asked, abort);
        }),
      stop,
    );
  };
  await allOrFirstFailure(unit.items.map(fillOne), abort);
}

async function generate(
  { servedName, maxTokens }: SampleUnit,
  { prompt }: Item,
  { candidate, temperature, topK, seed }: SampleRequest,
  server: ModelServer,
  signal: AbortSignal,
): Promise<Generation> {
  const completed = await server.complete(
    { model: servedName, prompt, temperature, topK, seed, maxTokens, logprobs: false },
    signal,
  );
  if (completed.outcome === 'failed') return { ...completed, candidate };
  const { text, tokens, finish } = completed;
  return { outcome: 'generated', candidate, text, tokens, finish };
}

/** Waits for all, whatever happens, and throws the failure that came first; `onFailure` is told at once. */
async function allOrFirstFailure(
  promises: readonly Promise<void>[],
  onFailure: (error: unknown) => void,
): Promise<void> {
  const failures: unknown[] = [];
  const watched = promises.map((promise) =>
    promise.catch((error: unknown) => {
      failures.push(error);
      if (failures.length === 1) onFailure(error);
    }),
  );
  await Promise.all(watched);
  if (failures.length > 0) throw failures[0];
}
