import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Sets the delay of every answer from now on; counts in a span of the server's clock; or only looks. */
export type Question = { delayMs: number } | { from: number; to: number } | { look: true };

/** What the server says of itself, in ms of its clock. */
export interface Answered {
  readonly now: number;
  readonly underWay: number;
  /**
   * In the span asked for, with the calls at its two ends counted by the share of them that lies in it: lanes that began together would
   * else be in step with the span. A call counts for its nominal delay, so what the server's own timers are late is counted as lost.
   */
  readonly answered: number;
}

export interface FakeProvider extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  ask(question: Question): Promise<Answered>;
}

export async function startFakeProvider(): Promise<FakeProvider> {
  const child = fork(fileURLToPath(new URL('provider-server.js', import.meta.url)));
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    pid: child.pid ?? 0,
    ask: async (question) => {
      const answered = once(child, 'message') as Promise<[Answered]>;
      child.send(question);
      const [answer] = await answered;
      return answer;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
