import { connectBus } from '../shared/bus/nats.ts';
import { systemClock } from '../shared/process/clock.ts';
import { readEnvironment } from '../shared/process/environment.ts';
import { serveHttp } from '../shared/process/http.ts';
import { runProcess } from '../shared/process/life.ts';
import { registry } from '../shared/process/metrics.ts';
import { keepPresent } from '../shared/process/presence.ts';
import { CoordinatorService } from '../shared/rpc/load.ts';
import { serveRpc } from '../shared/rpc/server.ts';
import { createPeers } from './peers.ts';
import { Runs } from './runs.ts';
import { coordinatorService } from './service.ts';

await runProcess('coordinator', async ({ signal, log, defer }) => {
  const { natsUrl, peer, host, httpPort, grpcPort, ackWaitMs, tls } = readEnvironment(process.env);
  const { bus, directory } = await connectBus({
    natsUrl,
    peer,
    role: 'coordinator',
    ackWaitMs,
    tls,
    log,
    signal,
  });
  defer('bus', () => bus.close());
  const peers = createPeers(directory, tls);
  const runs = new Runs({ directory, peers, clock: systemClock, log });
  defer('runs', () => {
    runs.drain();
  });
  const rpc = await serveRpc({
    host,
    port: grpcPort,
    tls,
    log,
    add: (services) => {
      services.addService(
        CoordinatorService.service,
        coordinatorService({ peers, runs, log, signal }),
      );
    },
  });
  defer('grpc', () => rpc.close());
  const http = await serveHttp({ host, port: httpPort, registry, ready: () => true });
  defer('http', () => http.close());
  log.info({ grpc: rpc.address, http: http.url }, 'ready');
  await Promise.all([
    runs.drive(signal),
    keepPresent(
      directory,
      { peer, role: 'coordinator', grpc: rpc.address, http: http.url, offers: [] },
      signal,
    ),
  ]);
});
