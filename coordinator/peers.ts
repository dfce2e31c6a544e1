import type { Directory } from '../shared/bus/bus.ts';
import { PermanentError, TransientError } from '../shared/contract/failure.ts';
import type { Tls } from '../shared/process/environment.ts';
import { connectCurator, type Curator } from './curator.ts';
import { connectTrainer, type Trainer } from './trainer.ts';

/** Finds the peers that a run needs: the curator that it is bound to, and a trainer that has its back-end. */
export interface Peers {
  curator(run: string): Promise<Curator>;
  /** A curator that a new run can be given to. */
  anyCurator(run: string): Promise<Curator>;
  trainer(backend: string): Promise<Trainer>;
}

export function createPeers(directory: Directory, tls: Tls | undefined): Peers {
  const curators = new Map<string, Curator>();
  const trainers = new Map<string, Trainer>();
  const curatorAt = (address: string, run: string): Curator => {
    const key = `${address}/${run}`;
    const curator = curators.get(key) ?? connectCurator(address, run, tls);
    curators.set(key, curator);
    return curator;
  };
  return {
    curator: async (run) => {
      const binding = await directory.binding(run);
      if (binding === undefined)
        throw new PermanentError(
          `no run ${run} on this bus: reset-loop status lists the runs there are`,
        );
      return curatorAt(binding.grpc, run);
    },
    anyCurator: async (run) => {
      const curator = (await directory.peers())
        .filter((peer) => peer.role === 'curator')
        .sort((a, b) => (a.peer < b.peer ? -1 : 1))[0];
      if (typeof curator?.grpc !== 'string')
        throw new TransientError(
          'no curator is on the bus: start one with reset-loop peer --role curator',
        );
      return curatorAt(curator.grpc, run);
    },
    trainer: async (backend) => {
      const trainer = (await directory.peers()).find(
        (peer) => peer.role === 'trainer' && peer.offers.includes(backend),
      );
      if (typeof trainer?.grpc !== 'string')
        throw new TransientError(`no trainer on the bus offers the back-end ${backend}`);
      const known = trainers.get(trainer.grpc) ?? connectTrainer(trainer.grpc, tls);
      trainers.set(trainer.grpc, known);
      return known;
    },
  };
}
