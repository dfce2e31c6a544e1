import pLimit from 'p-limit';
import type { Probe } from '../../shared/contract/checkpoint.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { SampleUnit } from '../../shared/contract/work.ts';
import { withDeadline } from '../../shared/process/deadline.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { untilAborted } from '../../shared/process/signal.ts';
import type { LocalCheckpoint } from './checkpoint/local.ts';
import { askProbe, differences, promptsOf, record } from './probe.ts';
import { OverloadedError, type ModelServer, type ServedModel } from './servers/driver.ts';

/** Loading large weights takes minutes. */
const LOAD_DEADLINE_MS = 600_000;
const PROBE_DEADLINE_MS = 120_000;
const LIST_DEADLINE_MS = 10_000;
/** A server that does not say when it loaded a name may have been restarted since it was probed. */
const PROOF_HOLDS_MS = 60_000;
/** The same weights on the same engine answer the same, to the last bits. */
const SAME_WEIGHTS = 1e-4;

type Served = Pick<SampleUnit, 'servedName' | 'checkpoint' | 'stop' | 'window'>;

/** Says whether a server serves exactly a checkpoint, and makes it do so. */
export interface Serving {
  /** Returns when the server has shown that it serves the checkpoint under its name. PermanentError where it shows another. */
  prepare(served: Served, signal: AbortSignal): Promise<void>;
  /** Whether the server has shown it, as far as is known. */
  serves(served: Served): boolean;
  /** Keeps the checkpoint there until the returned function is called: a server that holds one is not switched before. */
  hold(served: Served): () => void;
  /** After a failure nothing is known of the server any more: it may have been restarted with other weights. */
  forget(): void;
  /** Something may have happened: shown again before the next unit. */
  doubt(): void;
}

export interface ServingDeps {
  server: ModelServer;
  /** Brings the checkpoint's folder to this machine where it is not there. */
  fetch: (checkpoint: string, signal: AbortSignal) => Promise<LocalCheckpoint>;
  /** What the first server answered for a checkpoint without a probe, by checkpoint; shared by all servers of a profile. */
  recorded: Map<string, Probe>;
  log: Logger;
  /** Of a steady clock, in ms. */
  now?: () => number;
}

interface Proof {
  mark: string;
  until: number;
}

export function createServing({
  server,
  fetch,
  recorded,
  log,
  now = () => performance.now(),
}: ServingDeps): Serving {
  /** What the server listed when the probe of a served name passed. */
  const proven = new Map<string, Proof>();
  /** Two lanes that begin a round would both load and probe. */
  const oneAtATime = pLimit(1);
  const holders = new Set<object>();
  let onIdle: (() => void)[] = [];

  async function prove(unit: Served, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { servedName, checkpoint } = unit;
    const key = keyOf(unit);
    const before = await list(signal);
    checkWindow(unit, before);
    const known = proven.get(key);
    const isSame = known?.mark === markOf(servedName, before)?.mark;
    if (known !== undefined && isSame && known.until > now()) return;
    // What is only old is relied on until the probe says otherwise: another lane is in the middle of a unit.
    if (!isSame) proven.delete(key);
    const local = await fetch(checkpoint, signal);
    if (!before.some(({ name }) => name === servedName)) await load(servedName, local, signal);
    const after = await list(signal);
    checkWindow(unit, after);
    const mark = markOf(servedName, after);
    if (mark === undefined)
      throw new PermanentError(`${server.url} does not list ${servedName} after loading it`);
    try {
      await withDeadline(PROBE_DEADLINE_MS, signal, (limit) => probe(unit, local, limit));
    } catch (error) {
      if (!(error instanceof OverloadedError)) proven.delete(key);
      throw error;
    }
    proven.set(key, mark);
  }

  /** Throws PermanentError where prompts were made for a longer window: the server would refuse the longest of them, one by one. */
  function checkWindow({ servedName, window = 0 }: Served, served: readonly ServedModel[]): void {
    const taken = served.find(({ name }) => name === servedName)?.window ?? window;
    if (taken < window)
      throw new PermanentError(
        `${server.url} takes ${taken} tokens for a prompt and its answer, and the run's prompts were made for ${window}: start it with more, or a new run with \`model: { window: ${taken} }\``,
      );
  }

  function list(signal: AbortSignal): Promise<readonly ServedModel[]> {
    return withDeadline(LIST_DEADLINE_MS, signal, (limit) => server.served(limit));
  }

  async function load(
    name: string,
    { folder }: LocalCheckpoint,
    signal: AbortSignal,
  ): Promise<void> {
    if (server.holdsOne) {
      while (holders.size > 0)
        await untilAborted(new Promise<void>((resolve) => onIdle.push(resolve)), signal);
      proven.clear();
    }
    await withDeadline(LOAD_DEADLINE_MS, signal, (limit) => server.load(name, folder, limit));
  }

  /** Throws PermanentError unless the answers are those of the checkpoint, and not those of its parent. */
  async function probe(
    { servedName, checkpoint, stop }: Served,
    { probe, parent, parentProbe }: LocalCheckpoint,
    signal: AbortSignal,
  ): Promise<void> {
    const parents = parentProbe.length > 0 ? parentProbe : (recorded.get(parent ?? '') ?? []);
    const known = probe.length > 0 ? probe : (recorded.get(checkpoint) ?? []);
    const prompts = promptsOf(known.length > 0 ? known : parents);
    const answers = await askProbe(server, { model: servedName, stop }, prompts, signal);
    const comparable = parents.every(({ prompt }, i) => prompt === prompts[i]) ? parents : [];
    const own = differences(answers, known, server.tolerance);
    const old = differences(answers, comparable, server.tolerance);
    if (own.found.length > 0)
      throw new PermanentError(
        `${server.url} does not serve the checkpoint that is called ${servedName}: ${own.found.length} of ${known.length} probe prompts differ, the first: ${own.found[0] ?? ''}. Nothing is sampled; unload ${servedName} there, or restart the server`,
      );
    if (
      comparable.length > 0 &&
      old.found.length === 0 &&
      (known.length > 0 ? old.distance < own.distance : old.distance < SAME_WEIGHTS)
    )
      throw new PermanentError(
        `${server.url} answers as the parent of the checkpoint that is called ${servedName}: it still has the old weights. Nothing is sampled; restart the server with ${checkpoint}`,
      );
    if (known.length === 0) {
      recorded.set(checkpoint, record(prompts, answers));
      log.warn({ checkpoint, server: server.url }, 'has no probe: its first server stands for it');
    }
    log.info({ servedName, checkpoint, server: server.url }, 'the server serves the checkpoint');
  }

  /** What tells one load of a name from the next, and how long that can be relied on; undefined where it is not served. */
  function markOf(name: string, served: readonly ServedModel[]): Proof | undefined {
    const model = served.find((model) => model.name === name);
    if (model === undefined) return undefined;
    const until = model.since === null ? now() + PROOF_HOLDS_MS : Number.POSITIVE_INFINITY;
    return { mark: `${model.name} since ${model.since}`, until };
  }

  return {
    prepare: (unit, signal) => oneAtATime(() => prove(unit, signal)),
    serves: (unit) => proven.has(keyOf(unit)),
    hold: (unit) => {
      if (!proven.has(keyOf(unit))) return () => undefined;
      const holder = {};
      holders.add(holder);
      return () => {
        holders.delete(holder);
        if (holders.size > 0) return;
        for (const resolve of onIdle) resolve();
        onIdle = [];
      };
    },
    forget: () => {
      proven.clear();
    },
    doubt: () => {
      for (const proof of proven.values()) proof.until = 0;
    },
  };
}

function keyOf({ servedName, checkpoint }: Served): string {
  return `${servedName} ${checkpoint}`;
}
