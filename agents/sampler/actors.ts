import { createActor, fromPromise } from 'xstate';
import type { Directory } from '../../shared/bus/bus.ts';
import type { Taken } from '../../shared/bus/hand.ts';
import type { Work } from '../../shared/bus/lanes.ts';
import type { Profiles } from '../../shared/contract/peer.ts';
import { GoneError, PermanentError } from '../../shared/contract/failure.ts';
import { unknownName } from '../../shared/contract/problems.ts';
import type { Generation, SampleResult, SampleUnit } from '../../shared/contract/work.ts';
import { recordAttempt } from '../../shared/process/attempts.ts';
import type { Tls } from '../../shared/process/environment.ts';
import type { Logger } from '../../shared/process/logger.ts';
import { outputOf } from '../../shared/process/machine.ts';
import { concurrencyGauge } from '../../shared/process/metrics.ts';
import { readWhole } from '../../shared/rpc/unit.ts';
import { fetchCheckpoint } from './checkpoint/fetch.ts';
import { fill } from './fill.ts';
import { samplerMachine } from './machine.ts';
import { createReplicas, type Replicas } from './replicas.ts';
import type { ModelServer } from './servers/driver.ts';

/** Of one queue: those of the largest engine, each in hand until its slowest answer is there, and two that may wait for room. */
export const UNITS_IN_HAND = { lanes: 64, ahead: 2 } as const;

export interface SamplerDeps {
  peer: string;
  checkpoints: string;
  directory: Directory;
  /** The servers of each profile. */
  servers: ReadonlyMap<keyof Profiles['servers'], readonly ModelServer[]>;
  tls?: Tls | undefined;
  log: Logger;
}

/** How this peer works a sampling unit: one machine for each unit in hand. */
export function createSampler(deps: SamplerDeps): Work {
  // What all lanes of the peer share about the servers of a profile.
  const inUse = new Map(
    [...deps.servers].map(([name, servers]) => [
      name,
      createReplicas({
        servers,
        fetch: (checkpoint, signal) => fetchCheckpoint(checkpoint, deps, signal),
        log: deps.log,
      }),
    ]),
  );
  /** What an earlier attempt at a unit in hand has generated. */
  const inHand = new WeakMap<Taken, Map<string, Generation>>();

  // Provided once: a machine that was not used before costs more than a small unit does.
  const machine = samplerMachine.provide({
    actors: {
      read: fromPromise(async ({ input: { taken, underWay }, signal }) => {
        const unit = await readWhole(taken.work, deps, signal);
        if (unit.kind !== 'sample') throw new PermanentError(`${unit.unit} is no sampling unit`);
        const generations = inHand.get(taken) ?? begin(unit);
        inHand.set(taken, generations);
        return { unit, generations, underWay };
      }),
      prepare: fromPromise(async ({ input: { unit, generations }, signal }) => {
        try {
          await replicasOf(unit, inUse).prepare(unit, signal);
        } catch (error) {
          if (!(error instanceof GoneError)) throw error;
          // Such a unit was answered before, and comes again from a peer that died before its ack: what is answered now changes nothing.
          for (const { candidate } of unit.items.flatMap(({ requests }) => requests))
            generations.set(candidate, { outcome: 'failed', candidate, reason: error.message });
        }
      }),
      fill: fromPromise(async ({ input: { unit, generations, underWay }, signal }) => {
        const replicas = replicasOf(unit, inUse);
        const release = replicas.hold(unit);
        try {
          await fill(unit, generations, replicas, underWay, signal);
        } finally {
          release();
          concurrencyGauge.set(replicas.limit);
        }
        return toResult(deps.peer, unit, generations);
      }),
    },
  });
  return (taken, signal, underWay) =>
    outputOf(createActor(machine, { input: { taken, underWay } }), signal);
}

function begin({ run, unit, items }: SampleUnit): Map<string, Generation> {
  recordAttempt({ role: 'sampler', run, queue: 'sample', unit, items: items.length });
  return new Map();
}

function replicasOf(unit: SampleUnit, inUse: ReadonlyMap<string, Replicas>): Replicas {
  const found = inUse.get(unit.server);
  if (found === undefined)
    throw new PermanentError(
      `${unknownName('server profile', unit.server, [...inUse.keys()])}: add it to RESET_PROFILES of this peer`,
    );
  return found;
}

function toResult(
  peer: string,
  { run, unit, items }: SampleUnit,
  generations: ReadonlyMap<string, Generation>,
): SampleResult {
  return {
    kind: 'sample',
    run,
    unit,
    peer,
    items: items.map(({ example, requests }) => ({
      example,
      generations: requests.map(({ candidate }) => {
        const generation = generations.get(candidate);
        if (generation === undefined) throw new Error(`candidate ${candidate} has no outcome`);
        return generation;
      }),
    })),
  };
}
