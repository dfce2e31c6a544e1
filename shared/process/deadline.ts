import { onAbort } from './signal.ts';

/** Runs `act` with a signal that aborts with `signal`, or with a TimeoutError after `ms`. */
export async function withDeadline<TResult>(
  ms: number,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<TResult>,
): Promise<TResult> {
  const limit = new AbortController();
  const abort = (): void => {
    limit.abort(signal.reason);
  };
  const timer = setTimeout(() => {
    limit.abort(new DOMException(`not done after ${ms} ms`, 'TimeoutError'));
  }, ms);
  onAbort(signal, abort);
  try {
    return await act(limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
