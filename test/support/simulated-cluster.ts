import { join } from 'node:path';
import { pino } from 'pino';
import { createJudges } from '../../agents/judges/actors.ts';
import { createEngines } from '../../agents/judges/engines.ts';
import { Profiles } from '../../shared/contract/peer.ts';
import { createCache } from '../../agents/judges/cache.ts';
import { createSampler, UNITS_IN_HAND } from '../../agents/sampler/actors.ts';
import { createLanes, type ServedQueue, type Work } from '../../shared/bus/lanes.ts';
import { randomFrom, type Random } from '../../shared/contract/random.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import type { Queue } from '../../shared/contract/subjects.ts';
import { SimulatedBroker, type Faults } from './simulated-broker.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { startCurator, type SimulatedCurator } from './simulated-curator.ts';
import { simulatedModel } from './simulated-model.ts';
import { connectPeer, type SimulatedPeer } from './simulated-peer.ts';
import { SimulatedDisk } from './simulated-store.ts';

export interface ClusterOptions {
  seed: number;
  /** Real folder of checkpoints and sealed datasets. */
  folder: string;
  file: RunFile;
  faults: Faults;
  /** Share of completions that the model server fails. */
  outageRate: number;
}

/** A process of the simulation: started again after each kill. */
export interface SimulatedProcess {
  kill(): void;
}

const ackWaitMs = 2000;
const log = pino({ level: process.env['RESET_LOG_LEVEL'] ?? 'silent' });

/** A curator, two samplers and two judges over one simulated broker; everything that is random comes from the seed. */
export class SimulatedCluster implements AsyncDisposable {
  readonly clock = new SimulatedClock();
  readonly random: Random;
  readonly broker: SimulatedBroker;
  readonly #options: ClusterOptions;
  readonly #ledger: SimulatedDisk;
  readonly #processes = new Map<string, SimulatedProcess>();
  #curator: SimulatedCurator | undefined;
  /** Units that samplers and judges have begun. */
  executions = 0;

  constructor(options: ClusterOptions) {
    const { seed, faults } = options;
    const { clock } = this;
    this.#options = options;
    this.random = randomFrom(seed, 'schedule');
    const random = randomFrom(seed, 'broker');
    this.broker = new SimulatedBroker({ clock, random, ackWaitMs, faults });
    this.#ledger = new SimulatedDisk(clock, randomFrom(seed, 'ledger'));
  }

  get curator(): SimulatedCurator | undefined {
    return this.#curator;
  }

  /** Names of all processes. */
  readonly names = ['curator', 'sampler-1', 'sampler-2', 'judge-1', 'judge-2'];

  async start(name: string): Promise<void> {
    const started = await this.#startRole(name);
    this.#processes.set(name, started);
  }

  kill(name: string): void {
    this.#processes.get(name)?.kill();
    this.#processes.delete(name);
    if (name === 'curator') this.#curator = undefined;
  }

  /** The disk of the ledger is full for the next write. */
  fillDisk(): void {
    this.#ledger.fault = new Error('ENOSPC: no space left on device');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.names) this.kill(name);
    await this.clock[Symbol.asyncDispose]();
  }

  async #startRole(name: string): Promise<SimulatedProcess> {
    const peer = connectPeer(this.broker);
    if (name === 'curator') {
      const { clock } = this;
      const datasets = join(this.#options.folder, 'datasets');
      const store = await this.#ledger.open();
      this.#curator = startCurator({ clock, log, datasets, store, peer });
      return this.#curator;
    }
    return name.startsWith('sampler') ? this.#sampler(name, peer) : this.#judge(name, peer);
  }

  #sampler(name: string, peer: SimulatedPeer): SimulatedProcess {
    const { file, folder, seed, outageRate } = this.#options;
    const model = simulatedModel(this.clock, randomFrom(seed, name), outageRate);
    const work = createSampler({
      peer: name,
      checkpoints: join(folder, 'checkpoints'),
      directory: peer.directory,
      servers: new Map([[file.sampling.server, [model]]]),
      log,
    });
    return this.#work('sampler', peer, work, [{ kind: 'sample', run: file.run, ...UNITS_IN_HAND }]);
  }

  async #judge(name: string, peer: SimulatedPeer): Promise<SimulatedProcess> {
    const disk = new SimulatedDisk(this.clock, randomFrom(this.#options.seed, name));
    const cache = createCache(await disk.open());
    const work = createJudges({
      peer: name,
      directory: peer.directory,
      cache,
      engines: createEngines(Profiles.parse({})),
      log,
    });
    const queues = this.#options.file.judges.map((judge): Queue => ({
      kind: 'judge',
      judge: judge.name,
    }));
    return this.#work('judge', peer, work, queues);
  }

  #work(
    role: 'sampler' | 'judge',
    peer: SimulatedPeer,
    work: Work,
    queues: readonly ServedQueue[],
  ): SimulatedProcess {
    const { clock } = this;
    const begun = new WeakSet<object>();
    const counted: Work = async (taken, signal, underWay) => {
      // A unit that is held through an outage is the same execution.
      if (!begun.has(taken)) this.executions += 1;
      begun.add(taken);
      return work(taken, signal, underWay);
    };
    const lanes = createLanes({ bus: peer.bus, clock, log, role, ackWaitMs, work: counted });
    lanes.serve(queues);
    return peer;
  }
}
