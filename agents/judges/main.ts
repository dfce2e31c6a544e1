import { join } from 'node:path';
import { createLanes } from '../../shared/bus/lanes.ts';
import { connectBus } from '../../shared/bus/nats.ts';
import { capabilityOf } from '../../shared/contract/judge-options.ts';
import { systemClock as clock } from '../../shared/process/clock.ts';
import { readEnvironment } from '../../shared/process/environment.ts';
import { serveHttp } from '../../shared/process/http.ts';
import { runProcess } from '../../shared/process/life.ts';
import { registry } from '../../shared/process/metrics.ts';
import { serveRuns } from '../../shared/rpc/worker.ts';
import { openStore } from '../../shared/store/level.ts';
import { createJudges } from './actors.ts';
import { createCache } from './cache.ts';
import { createEngines } from './engines.ts';
import { capabilities } from './types/table.ts';

await runProcess('judge', async ({ signal, log, defer }) => {
  const environment = readEnvironment(process.env);
  const { peer, host, httpPort, state, ackWaitMs, profiles, tls } = environment;
  const store = await openStore(join(state, 'verdicts'), { sync: false });
  defer('verdicts', () => store.close());
  const { bus, directory } = await connectBus({ ...environment, role: 'judge', log, signal });
  defer('bus', () => bus.close());
  const http = await serveHttp({ host, port: httpPort, registry, ready: () => true });
  defer('http', () => http.close());
  const engines = createEngines(profiles);
  const work = createJudges({ peer, directory, cache: createCache(store), engines, tls });

  const lanes = createLanes({ bus, clock, log, role: 'judge', ackWaitMs, work });
  const offers = capabilities(profiles);
  log.info({ http: http.url, offers }, 'ready');
  await serveRuns({
    presence: { peer, role: 'judge', grpc: null, http: http.url, offers },
    queues: (files) =>
      files
        .flatMap(({ judges }) => judges)
        .filter((judge) => offers.includes(capabilityOf(judge)))
        .map(({ name }) => ({ kind: 'judge', judge: name })),
    lanes,
    directory,
    clock,
    log,
    tls,
    signal,
  });
});
