import { setMaxListeners } from 'node:events';
import type { Generation, SampleRequest, SampleUnit } from '../../shared/contract/work.ts';
import { withDeadline } from '../../shared/process/deadline.ts';
import { generationsCounter } from '../../shared/process/metrics.ts';
import type { Replicas } from './replicas.ts';
import type { ModelServer } from './servers/driver.ts';

/** All cells of one example; a server that needs longer is stuck, or has too much to do. */
const EXAMPLE_DEADLINE_MS = 120_000;

type Item = SampleUnit['items'][number];

/**
 * Asks for every request of the unit that has no generation yet and puts each into `generations`, by candidate. Throws the first failure that
 * is not about one candidate and that no other server could mend, with what was generated until then in place. The cells of an example go
 * out together, so that a server prefills their prompt once. `underWay` is called when none waits for its turn any more.
 */
export async function fill(
  unit: SampleUnit,
  generations: Map<string, Generation>,
  replicas: Replicas,
  underWay: () => void,
  signal: AbortSignal,
): Promise<void> {
  const giveUp = new AbortController();
  const stop = AbortSignal.any([signal, giveUp.signal]);
  // One listener an example that waits.
  setMaxListeners(0, stop);
  const abort = (error: unknown): void => {
    giveUp.abort(error);
  };
  const missing = ({ requests }: Item): SampleRequest[] =>
    requests.filter(({ candidate }) => !generations.has(candidate));
  const begun = new Set<Item>();
  const begin = (item: Item): void => {
    begun.add(item);
    if (begun.size === unit.items.length) underWay();
  };
  const fillAt = (server: ModelServer, item: Item, succeeded: () => void): Promise<void> =>
    withDeadline(EXAMPLE_DEADLINE_MS, stop, async (limit) => {
      begin(item);
      const giveUp = new AbortController();
      const attempt = AbortSignal.any([limit, giveUp.signal]);
      setMaxListeners(0, attempt);
      const asked = missing(item).map(async (request) => {
        const generation = await generate(unit, item, request, server, attempt);
        generations.set(request.candidate, generation);
        generationsCounter.inc({ outcome: generation.outcome });
        succeeded();
      });
      await allOrFirstFailure(asked, (error) => {
        giveUp.abort(error);
      });
    });
  const fillOne = async (item: Item): Promise<void> => {
    const { prompt } = item;
    const requests = missing(item).length;
    if (requests === 0) begin(item);
    else
      await replicas.ask(
        { served: unit, prompt, requests },
        (server, succeeded) => fillAt(server, item, succeeded),
        stop,
      );
  };
  await allOrFirstFailure(unit.items.map(fillOne), abort);
}

async function generate(
  { servedName, maxTokens, stop }: SampleUnit,
  { prompt }: Item,
  { candidate, temperature, topK, seed }: SampleRequest,
  server: ModelServer,
  signal: AbortSignal,
): Promise<Generation> {
  const completed = await server.complete(
    { model: servedName, prompt, temperature, topK, seed, maxTokens, stop, logprobs: false },
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
