import {
  credentials,
  type CallOptions,
  type ChannelCredentials,
  type ClientReadableStream,
  type ClientUnaryCall,
  type Metadata,
  type requestCallback,
} from '@grpc/grpc-js';
import { TransientError } from '../contract/failure.ts';
import type { Tls } from '../process/environment.ts';
import { statusToError } from './failure.ts';
import type { CheckpointServiceClient } from './generated/reset/v1/CheckpointService.ts';
import type { CoordinatorServiceClient } from './generated/reset/v1/CoordinatorService.ts';
import type { CuratorServiceClient } from './generated/reset/v1/CuratorService.ts';
import type { TrainerServiceClient } from './generated/reset/v1/TrainerService.ts';
import { CheckpointService, CoordinatorService, CuratorService, TrainerService } from './load.ts';

/** Both ways; a shard chunk or a unit by reference is far below it. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const channelOptions = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  // A peer that was restarted is found again soon; the default backs off to two minutes.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  // A machine that is gone without a FIN ends the streams that watch it.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
};

/** Clients connect when first called and reconnect by themselves; `close()` them. `address` is host:port, from presence. */
export function checkpointClient(address: string, tls?: Tls): CheckpointServiceClient {
  return new CheckpointService(address, channelCredentials(tls), channelOptions);
}

export function coordinatorClient(address: string, tls?: Tls): CoordinatorServiceClient {
  return new CoordinatorService(address, channelCredentials(tls), channelOptions);
}

export function curatorClient(address: string, tls?: Tls): CuratorServiceClient {
  return new CuratorService(address, channelCredentials(tls), channelOptions);
}

export function trainerClient(address: string, tls?: Tls): TrainerServiceClient {
  return new TrainerService(address, channelCredentials(tls), channelOptions);
}

function channelCredentials(tls: Tls | undefined): ChannelCredentials {
  return tls === undefined
    ? credentials.createInsecure()
    : credentials.createSsl(tls.ca, tls.key, tls.certificate);
}

/** The overloads of a generated unary method, in the generator's order, so that the types of request and response are inferred. */
interface UnaryMethod<TRequest, TResponse> {
  (
    request: TRequest,
    metadata: Metadata,
    options: CallOptions,
    callback: requestCallback<TResponse>,
  ): ClientUnaryCall;
  (request: TRequest, metadata: Metadata, callback: requestCallback<TResponse>): ClientUnaryCall;
  (request: TRequest, options: CallOptions, callback: requestCallback<TResponse>): ClientUnaryCall;
  (request: TRequest, callback: requestCallback<TResponse>): ClientUnaryCall;
}

export interface UnaryOptions {
  deadlineMs: number;
  signal: AbortSignal;
}

/**
 * One call with one answer: `await unary(client.appendFact.bind(client), request, { deadlineMs: 5000, signal })`. Throws PermanentError,
 * ConflictError or TransientError (a passed deadline too), and the signal's reason when it aborts, which cancels the call.
 */
export async function unary<TRequest, TResponse>(
  method: UnaryMethod<TRequest, TResponse>,
  request: TRequest,
  { deadlineMs, signal }: UnaryOptions,
): Promise<TResponse> {
  signal.throwIfAborted();
  let cancel = (): void => undefined;
  try {
    return await new Promise<TResponse>((resolve, reject) => {
      const call = method(request, { deadline: Date.now() + deadlineMs }, (error, response) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new TransientError('an answer without a message'));
        else resolve(response);
      });
      cancel = () => {
        call.cancel();
      };
      signal.addEventListener('abort', cancel, { once: true });
    });
  } catch (error) {
    signal.throwIfAborted();
    throw statusToError(error);
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/**
 * The messages of a server stream: `for await (const message of readStream(() => client.watch(request), { signal }))`. Ends when the server
 * has ended it; throws as `unary` does. Leaving the loop cancels the call.
 */
export async function* readStream<TMessage>(
  open: () => ClientReadableStream<TMessage>,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<TMessage, void, undefined> {
  signal.throwIfAborted();
  const call = open();
  const cancel = (): void => {
    call.cancel();
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    for await (const message of call as AsyncIterable<TMessage>) {
      yield message;
    }
    signal.throwIfAborted();
  } catch (error) {
    signal.throwIfAborted();
    throw statusToError(error);
  } finally {
    signal.removeEventListener('abort', cancel);
    // A cancelled call still reports its end; nobody is there to hear it.
    call.on('error', () => undefined);
    call.cancel();
  }
}
