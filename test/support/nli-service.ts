import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { NliPair } from '../../agents/judges/nli/nli.ts';

export type Prediction = { label: string; score: unknown }[];

export interface NliService extends AsyncDisposable {
  readonly url: string;
  /** The pairs of each request, the probes of who it is not among them. */
  readonly asked: NliPair[][];
  /** Answers the next request instead. */
  fault: ((response: ServerResponse) => void) | undefined;
  /** What `GET /info` says; undefined answers 404. */
  info: Record<string, unknown> | undefined;
  predict: (pair: NliPair) => Prediction;
  /** Answers no request before it has had this many in hand at a time. */
  together: number;
  /** Most requests that it had in hand at a time. */
  readonly mostInHand: () => number;
}

/** A real HTTP server that speaks the `/predict` and `/info` of text-embeddings-inference, by `tableNli` where nothing else is said. */
export async function startNliService(): Promise<NliService> {
  let inHand = 0;
  let most = 0;
  let enough = (): void => undefined;
  const hasEnough = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const server = createServer((request, response) => {
    inHand += 1;
    most = Math.max(most, inHand);
    if (most >= service.together) enough();
    response.once('close', () => {
      inHand -= 1;
    });
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const service: NliService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    fault: undefined,
    info: { model_id: 'tests/table', model_sha: 'abc', max_client_batch_size: 32 },
    predict: byTable,
    together: 0,
    mostInHand: () => most,
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { fault } = service;
    if (request.url === '/info') {
      response.statusCode = service.info === undefined ? 404 : 200;
      response.end(JSON.stringify(service.info ?? {}));
      return;
    }
    if (request.url !== '/predict') {
      response.writeHead(404).end();
      return;
    }
    const { inputs } = (await json(request)) as { inputs: NliPair[] };
    const isProbe = inputs.some(([premise]) => premise.startsWith('Nobody but Ada'));
    if (!isProbe) service.asked.push(inputs);
    if (fault !== undefined && !isProbe) {
      service.fault = undefined;
      fault(response);
      return;
    }
    if (!isProbe) await hasEnough;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(inputs.map((pair) => service.predict(pair))));
  }

  return service;
}

/** The network of the golden rows: probabilities made from a hash of premise and hypothesis. */
export function tableNli([premise, hypothesis]: NliPair): {
  ent: number;
  con: number;
  neu: number;
} {
  const hash = createHash('sha256').update(`${premise}\u0001${hypothesis}`).digest();
  const [ent, con, neu] = [0, 4, 8].map((at) => (hash.readUInt32BE(at) % 1000) + 1) as [
    number,
    number,
    number,
  ];
  const share = (part: number): number => Number((part / (ent + con + neu)).toFixed(4));
  return { ent: share(ent), con: share(con), neu: share(neu) };
}

/** Highest score first, as the service does. */
function byTable(pair: NliPair): Prediction {
  const { ent, con, neu } = tableNli(pair);
  const scores = [
    { label: 'CONTRADICTION', score: con },
    { label: 'NEUTRAL', score: neu },
    { label: 'ENTAILMENT', score: ent },
  ];
  return scores.sort((a, b) => b.score - a.score);
}
