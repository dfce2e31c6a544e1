/** Trying again cannot help: the input, the configuration or the state must change first. */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError';
}

/** What is asked for was there and was removed on purpose; the message says by whom. */
export class GoneError extends PermanentError {
  override readonly name: string = 'GoneError';
}

/** Trying again may help. `retryAfterMs` is the other side's own wish, where it gave one. */
export class TransientError extends Error {
  override readonly name: string = 'TransientError';
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
