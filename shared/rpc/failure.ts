import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { GoneError, messageOf, PermanentError, TransientError } from '../contract/failure.ts';

/** The other side's state has moved on: reload and decide again. */
export class ConflictError extends PermanentError {
  override readonly name = 'ConflictError';
}

/** The status with which a handler's error crosses the wire. What is neither permanent nor transient is a bug, `UNKNOWN`. */
export function errorToStatus(error: unknown): ServiceError {
  return Object.assign(new Error(messageOf(error), { cause: error }), {
    code: codeOf(error),
    details: messageOf(error),
    metadata: new Metadata(),
  });
}

function codeOf(error: unknown): status {
  if (error instanceof ConflictError) return status.ABORTED;
  if (error instanceof GoneError) return status.NOT_FOUND;
  if (error instanceof PermanentError) return status.FAILED_PRECONDITION;
  if (error instanceof TransientError) return status.UNAVAILABLE;
  return status.UNKNOWN;
}

/** The failure that a caller sees. `UNKNOWN` is a bug on the other side: trying again would meet it again. */
export function statusToError(error: unknown): Error {
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(messageOf(error));
  const message = error.details;
  switch (error.code) {
    case status.ABORTED:
      return new ConflictError(message, { cause: error });
    case status.NOT_FOUND:
      return new GoneError(message, { cause: error });
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
    // A broken HTTP/2 stream, as when the server is killed.
    case status.INTERNAL:
      return new TransientError(message, { cause: error });
    case status.RESOURCE_EXHAUSTED:
      return / larger than max /.test(message)
        ? new PermanentError(message, { cause: error })
        : new TransientError(message, { cause: error });
    default:
      return new PermanentError(message, { cause: error });
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}
