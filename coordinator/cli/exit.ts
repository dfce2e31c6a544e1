import { messageOf, PermanentError } from '../../shared/contract/failure.ts';

/** Exit codes of every command, as the help and the README list them. */
export const exits = {
  done: 0,
  /** Something failed; the message says what and what to do. */
  failed: 1,
  /** The command line or a file that it names is wrong. */
  usage: 2,
  /** The run is paused and waits for `reset-loop resume`. */
  paused: 3,
  /** Nothing runs here that could answer. */
  unreachable: 4,
} as const;

/** A failure with the exit code that scripts can act on. */
export class CommandError extends PermanentError {
  override readonly name = 'CommandError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Prints one line a problem and gives the exit code. */
export function reportFailure(error: unknown, json: boolean): number {
  const code = error instanceof CommandError ? error.code : exits.failed;
  const message = messageOf(error);
  process.stderr.write(
    json ? `${JSON.stringify({ event: 'failed', code, message })}\n` : `reset-loop: ${message}\n`,
  );
  return code;
}
