import type { Role } from '../contract/peer.ts';
import { LogLevel } from './environment.ts';
import { createLogger, type Logger } from './logger.ts';
import { collectProcessMetrics } from './metrics.ts';

const GRACE_MS = 10_000;

/** What a role's body gets from its process. */
export interface Life {
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Closes a resource after the body has ended, in reverse order of the calls. */
  readonly defer: (name: string, close: () => unknown) => void;
}

interface Resource {
  name: string;
  close: () => unknown;
}

/**
 * The life of every process: SIGINT, SIGTERM or the end of the parent's IPC channel abort one signal; the body drains and returns; resources
 * close in reverse order; exit 0. A second signal, or 10 s after the first, exits 1. A body that throws is logged once and exits 1.
 */
export async function runProcess(role: Role, body: (life: Life) => Promise<void>): Promise<void> {
  const level = LogLevel.safeParse(process.env['RESET_LOG_LEVEL']);
  const log = createLogger(
    role,
    process.env['RESET_PEER'] ?? role,
    level.success ? level.data : 'info',
  );
  collectProcessMetrics();
  const stopping = stopOnRequest(log);
  const resources: Resource[] = [];
  const life: Life = {
    signal: stopping.signal,
    log,
    defer: (name, close) => void resources.push({ name, close }),
  };
  let code = 0;
  try {
    await body(life);
    log.info('drained');
  } catch (error) {
    if (!isAbort(error, life.signal)) {
      log.fatal({ err: error }, 'failed');
      code = 1;
    }
  }
  stopping.limit();
  if (!(await closeAll(resources, log))) code = 1;
  log.info('stopped');
  process.exit(code);
}

interface Stopping {
  readonly signal: AbortSignal;
  /** From now on the process has the grace period, and no more. */
  limit(): void;
}

function stopOnRequest(log: Logger): Stopping {
  const controller = new AbortController();
  let limited = false;
  const limit = (): void => {
    if (limited) return;
    limited = true;
    const timer = setTimeout(() => {
      log.error({ graceMs: GRACE_MS }, 'did not stop in time');
      process.exit(1);
    }, GRACE_MS);
    timer.unref();
  };
  const stop = (reason: string): void => {
    log.info({ reason }, 'stopping');
    limit();
    controller.abort(new DOMException(`stopped by ${reason}`, 'AbortError'));
  };
  const onSignal = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      stop(name);
      return;
    }
    log.error({ reason: name }, 'told to stop twice');
    process.exit(1);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('disconnect', () => {
    if (!controller.signal.aborted) stop('end of parent');
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught');
    process.exit(1);
  });
  return { signal: controller.signal, limit };
}

/** A wait that the request to stop has ended is no failure. */
function isAbort(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

async function closeAll(resources: readonly Resource[], log: Logger): Promise<boolean> {
  let closed = true;
  for (const { name, close } of [...resources].reverse()) {
    try {
      await close();
    } catch (error) {
      log.error({ err: error, resource: name }, 'could not close');
      closed = false;
    }
  }
  return closed;
}
