import { join } from 'node:path';
import { connectBus } from '../../shared/bus/nats.ts';
import { systemClock } from '../../shared/process/clock.ts';
import { readEnvironment } from '../../shared/process/environment.ts';
import { sweepStaging } from '../../shared/process/files.ts';
import { serveHttp } from '../../shared/process/http.ts';
import { runProcess } from '../../shared/process/life.ts';
import { registry } from '../../shared/process/metrics.ts';
import { keepPresent } from '../../shared/process/presence.ts';
import { CheckpointService, TrainerService } from '../../shared/rpc/load.ts';
import { serveRpc } from '../../shared/rpc/server.ts';
import { checkpointService } from './checkpoint/service.ts';
import { sweepJobs } from './job/folder.ts';
import { Jobs } from './jobs.ts';
import { trainerService } from './service.ts';

await runProcess('trainer', async ({ signal, log, defer }) => {
  const environment = readEnvironment(process.env);
  const { natsUrl, peer, host, httpPort, grpcPort, ackWaitMs, tls, checkpoints, profiles } =
    environment;
  const offers = Object.keys(profiles.trainers);
  await sweepStaging(checkpoints);
  await sweepJobs(join(environment.state, 'jobs'));
  const { bus, directory } = await connectBus({
    natsUrl,
    peer,
    role: 'trainer',
    ackWaitMs,
    tls,
    log,
    signal,
  });
  defer('bus', () => bus.close());
  const jobs = new Jobs({ environment, directory, clock: systemClock, log });
  defer('jobs', () => jobs.drain());
  await jobs.endCancelled();
  const rpc = await serveRpc({
    host,
    port: grpcPort,
    tls,
    log,
    add: (services) => {
      services.addService(TrainerService.service, trainerService(jobs, profiles));
      services.addService(CheckpointService.service, checkpointService(checkpoints));
    },
  });
  defer('grpc', () => rpc.close());
  const http = await serveHttp({ host, port: httpPort, registry, ready: () => true });
  defer('http', () => http.close());
  log.info({ grpc: rpc.address, http: http.url, offers }, 'ready');
  await keepPresent(
    directory,
    { peer, role: 'trainer', grpc: rpc.address, http: http.url, offers },
    signal,
  );
});
