/** Calls `listener` once when `signal` aborts; at once if it already has. */
export function onAbort(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
}

/** Settles as `promise` does, or rejects with the signal's reason when it aborts first. What the promise brings after that is the caller's to handle. */
export async function untilAborted<TValue>(
  promise: Promise<TValue>,
  signal: AbortSignal,
): Promise<TValue> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(signal.reason as Error);
    };
    onAbort(signal, stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
