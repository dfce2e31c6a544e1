import { resolve } from 'node:path';
import { createLanes } from '../../shared/bus/lanes.ts';
import { connectBus } from '../../shared/bus/nats.ts';
import { systemClock as clock } from '../../shared/process/clock.ts';
import { readEnvironment } from '../../shared/process/environment.ts';
import { serveHttp } from '../../shared/process/http.ts';
import { runProcess } from '../../shared/process/life.ts';
import { registry } from '../../shared/process/metrics.ts';
import { serveRuns } from '../../shared/rpc/worker.ts';
import { createSampler, UNITS_IN_HAND } from './actors.ts';
import { createServers } from './servers/table.ts';

await runProcess('sampler', async ({ signal, log, defer }) => {
  const environment = readEnvironment(process.env);
  const { peer, host, httpPort, profiles, ackWaitMs, tls } = environment;
  const [state, checkpoints] = [resolve(environment.state), resolve(environment.checkpoints)];
  const { bus, directory } = await connectBus({ ...environment, role: 'sampler', log, signal });
  defer('bus', () => bus.close());
  const http = await serveHttp({ host, port: httpPort, registry, ready: () => true });
  defer('http', () => http.close());
  const servers = new Map(
    Object.entries(profiles.servers).map(([name, profile]) => [
      name,
      createServers(name, profile, { env: process.env, state, log }),
    ]),
  );
  defer('model servers', () =>
    Promise.all([...servers.values()].flat().map((server) => server.close())),
  );
  const work = createSampler({ peer, checkpoints, directory, servers, tls, log });
  const lanes = createLanes({ bus, clock, log, role: 'sampler', ackWaitMs, work });
  const offers = [...servers.keys()];
  log.info({ http: http.url, offers }, 'ready');
  await serveRuns({
    presence: { peer, role: 'sampler', grpc: null, http: http.url, offers },
    queues: (runs) =>
      runs
        .filter(({ file }) => servers.has(file.sampling.server))
        .map(({ file }) => ({ kind: 'sample', run: file.run, ...UNITS_IN_HAND })),
    lanes,
    directory,
    clock,
    log,
    tls,
    signal,
  });
});
