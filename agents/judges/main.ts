import { join } from 'node:path';
import { createLanes } from '../../shared/bus/lanes.ts';
import { connectBus } from '../../shared/bus/nats.ts';
import { systemClock as clock } from '../../shared/process/clock.ts';
import { readEnvironment } from '../../shared/process/environment.ts';
import { serveHttp } from '../../shared/process/http.ts';
import { runProcess } from '../../shared/process/life.ts';
import { registry } from '../../shared/process/metrics.ts';
import { serveRuns } from '../../shared/rpc/worker.ts';
import { openStore } from '../../shared/store/level.ts';
import { createJudges } from './actors.ts';
import { createCache } from './cache.ts';
import { judgeTypes } from './types/table.ts';

await runProcess('judge', async ({ signal, log, defer }) => {
  const environment = readEnvironment(process.env);
  const { peer, host, httpPort, state, ackWaitMs, tls } = environment;
  const store = await openStore(join(state, 'verdicts'), { sync: false });
  defer('verdicts', () => store.close());
  const { bus, directory } = await connectBus({ ...environment, role: 'judge', log, signal });
  defer('bus', () => bus.close());
  const http = await serveHttp({ host, port: httpPort, registry, ready: () => true });
  defer('http', () => http.close());
  const work = createJudges({ peer, directory, cache: createCache(store), tls });
  const lanes = createLanes({ bus, clock, log, role: 'judge', ackWaitMs, work });
  log.info({ http: http.url, offers: judgeTypes }, 'ready');
  await serveRuns({
    presence: { peer, role: 'judge', grpc: null, http: http.url, offers: [...judgeTypes] },
    queues: (files) =>
      files
        .flatMap(({ judges }) => judges)
        .filter(({ type }) => judgeTypes.includes(type))
        .map(({ name }) => ({ kind: 'judge', judge: name })),
    lanes,
    directory,
    clock,
    log,
    tls,
    signal,
  });
});
