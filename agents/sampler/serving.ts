import pLimit from 'p-limit';
import type { Probe } from '../../shared/contract/checkpoint.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { SampleUnit } from '../../shared/contract/work.ts';
import { withDeadline } from '../../shared/process/deadline.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { LocalCheckpoint } from './checkpoint/local.ts';
import type { ModelServer, ServedModel } from './servers/driver.ts';

/** As many tokens as the training program wrote for each prompt of the probe, at most. */
const PROBE_TOKENS = 16;
/** Natural logarithms; another engine rounds differently, another checkpoint differs by far more. */
const LOGPROB_TOLERANCE = 1e-3;
/** Loading large weights takes minutes. */
const LOAD_DEADLINE_MS = 600_000;
const PROBE_DEADLINE_MS = 120_000;

/** Says whether a server serves exactly a checkpoint, and makes it do so. */
export interface Serving {
  /** Returns when the server has shown that it serves the unit's checkpoint under its name. PermanentError where it shows another. */
  prepare(unit: SampleUnit, signal: AbortSignal): Promise<void>;
  /** After a failure nothing is known of the server any more: it may have been restarted with other weights. */
  forget(): void;
}

export interface ServingDeps {
  server: ModelServer;
  /** Brings the checkpoint's folder to this machine where it is not there. */
  fetch: (checkpoint: string, signal: AbortSignal) => Promise<LocalCheckpoint>;
  log: Logger;
}

export function createServing({ server, fetch, log }: ServingDeps): Serving {
  /** What the server listed when the probe of a served name passed. */
  const proven = new Map<string, string>();
  /** Two lanes that begin a round would both load and probe. */
  const oneAtATime = pLimit(1);

  async function prove(unit: SampleUnit, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { servedName, checkpoint } = unit;
    const key = `${servedName} ${checkpoint}`;
    const before = await server.served(signal);
    const known = proven.get(key);
    if (known !== undefined && known === markOf(servedName, before)) return;
    const { folder, probe } = await fetch(checkpoint, signal);
    if (!before.some(({ name }) => name === servedName))
      await withDeadline(LOAD_DEADLINE_MS, signal, (limit) =>
        server.load(servedName, folder, limit),
      );
    const mark = markOf(servedName, await server.served(signal));
    if (mark === undefined)
      throw new PermanentError(`the model server does not list ${servedName} after loading it`);
    if (probe.length === 0) log.warn({ checkpoint }, 'has no probe: what is served is not proven');
    else
      await withDeadline(PROBE_DEADLINE_MS, signal, (limit) =>
        compare(server, servedName, probe, limit),
      );
    log.info({ servedName, checkpoint, prompts: probe.length }, 'the server serves the checkpoint');
    proven.set(key, mark);
  }

  return {
    prepare: (unit, signal) => oneAtATime(() => prove(unit, signal)),
    forget: () => {
      proven.clear();
    },
  };
}

/** What tells one load of a name from the next; undefined where it is not served. */
function markOf(name: string, served: readonly ServedModel[]): string | undefined {
  const model = served.find((model) => model.name === name);
  return model === undefined ? undefined : `${model.name} since ${model.since}`;
}

/** The server's greedy answers must be those that the training program got from the saved weights. */
async function compare(
  server: ModelServer,
  model: string,
  probe: Probe,
  signal: AbortSignal,
): Promise<void> {
  const settings = { temperature: 0, topK: 0, seed: 0, maxTokens: PROBE_TOKENS, logprobs: true };
  const differences = await Promise.all(
    probe.map(async ({ prompt, text, logprobs }) => {
      const completed = await server.complete({ model, prompt, ...settings }, signal);
      if (completed.outcome === 'failed') return completed.reason;
      if (completed.text !== text)
        return `${JSON.stringify(completed.text)} instead of ${JSON.stringify(text)}`;
      return completed.logprobs === null ? undefined : differ(completed.logprobs, logprobs);
    }),
  );
  const found = differences.filter((difference) => difference !== undefined);
  if (found.length > 0)
    throw new PermanentError(
      `the model server does not serve the checkpoint that is called ${model}: ${found.length} of ${probe.length} probe prompts differ, the first: ${found[0] ?? ''}. Nothing is sampled; unload ${model} there, or restart the server`,
    );
}

function differ(given: readonly number[], expected: readonly number[]): string | undefined {
  const worst = expected.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - (given[i] ?? Number.NEGATIVE_INFINITY))),
    0,
  );
  return worst <= LOGPROB_TOLERANCE
    ? undefined
    : `a log probability differs by ${worst.toFixed(4)}, at most ${LOGPROB_TOLERANCE} is allowed`;
}
