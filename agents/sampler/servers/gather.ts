import { onAbort, untilAborted } from '../../../shared/process/signal.ts';

interface Asked<TAsk, TAnswer> {
  ask: TAsk;
  signal: AbortSignal;
  resolve: (answer: TAnswer) => void;
  reject: (error: unknown) => void;
}

/**
 * Makes one call of what is asked for in one turn of the event loop, `most` at a time. `call` answers in the order of its asks, with an
 * Error for one that failed by itself; what it throws fails them all. Its signal aborts when every one of its asks was given up.
 */
export function gather<TAsk, TAnswer>(
  call: (asks: readonly TAsk[], signal: AbortSignal) => Promise<readonly (TAnswer | Error)[]>,
  most: number,
): (ask: TAsk, signal: AbortSignal) => Promise<TAnswer> {
  let asked: Asked<TAsk, TAnswer>[] = [];

  const flush = (): void => {
    const waiting = asked.filter(({ signal }) => !signal.aborted);
    asked = [];
    for (let at = 0; at < waiting.length; at += most) void send(waiting.slice(at, at + most));
  };

  const send = async (together: readonly Asked<TAsk, TAnswer>[]): Promise<void> => {
    const givenUp = new AbortController();
    const signals = new Set(together.map(({ signal }) => signal));
    let wanted = signals.size;
    for (const signal of signals)
      onAbort(signal, () => {
        wanted -= 1;
        if (wanted === 0) givenUp.abort(signal.reason);
      });
    try {
      const answers = await call(
        together.map(({ ask }) => ask),
        givenUp.signal,
      );
      for (const [i, { resolve, reject }] of together.entries()) {
        const answer = answers[i] ?? new Error(`the call left out answer ${i}`);
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      }
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
  };

  return (ask, signal) => {
    const answer = new Promise<TAnswer>((resolve, reject) => {
      if (asked.length === 0) setImmediate(flush);
      asked.push({ ask, signal, resolve, reject });
    });
    return untilAborted(answer, signal);
  };
}
