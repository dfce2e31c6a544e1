import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, PermanentError } from '../contract/failure.ts';
import { Id } from '../contract/ids.ts';
import { Profiles } from '../contract/peer.ts';

/** PEM bytes of the cluster's authority and of this peer; both sides of a connection show a certificate. */
export interface Tls {
  ca: Buffer;
  certificate: Buffer;
  key: Buffer;
}

/** What a peer is told by the machine that it runs on. Read once at start; nobody else reads the environment for it. */
export interface Environment {
  natsUrl: string;
  peer: string;
  /** The peer's own folder: ledger, caches, job folders. */
  state: string;
  /** Folder of published checkpoints, shared by trainer and model server where both see it. */
  checkpoints: string;
  profiles: Profiles;
  host: string;
  /** 0 takes any free port; presence says which. */
  httpPort: number;
  grpcPort: number;
  logLevel: LogLevel;
  ackWaitMs: number;
  tls?: Tls;
}

export const LogLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);
export type LogLevel = z.infer<typeof LogLevel>;

const port = z.coerce.number().int().min(0).max(65_535).default(0);
const path = z.string().min(1);

const Variables = z.object({
  RESET_NATS_URL: z.string().min(1).default('nats://127.0.0.1:4222'),
  RESET_PEER: Id,
  RESET_STATE: path,
  RESET_CHECKPOINTS: path,
  RESET_PROFILES: path.optional(),
  RESET_HOST: z.string().min(1).default('127.0.0.1'),
  RESET_HTTP_PORT: port,
  RESET_GRPC_PORT: port,
  RESET_LOG_LEVEL: LogLevel.default('info'),
  RESET_ACK_WAIT_MS: z.coerce.number().int().min(1000).default(30_000),
  RESET_TLS_CA: path.optional(),
  RESET_TLS_CERT: path.optional(),
  RESET_TLS_KEY: path.optional(),
});
type Variables = z.infer<typeof Variables>;

/** Reads the environment of a peer. Throws PermanentError with every problem named. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const parsed = Variables.safeParse(env);
  if (!parsed.success) {
    throw new PermanentError(`the environment is not usable:\n${z.prettifyError(parsed.error)}`);
  }
  const variables = parsed.data;
  const tls = readTls(variables);
  if (tls === undefined && !isLoopback(variables.RESET_HOST)) {
    throw new PermanentError(
      `RESET_HOST ${variables.RESET_HOST} is not loopback: set RESET_TLS_CA, RESET_TLS_CERT and RESET_TLS_KEY, or listen on 127.0.0.1`,
    );
  }
  return {
    natsUrl: variables.RESET_NATS_URL,
    peer: variables.RESET_PEER,
    state: variables.RESET_STATE,
    checkpoints: variables.RESET_CHECKPOINTS,
    profiles: readProfiles(variables.RESET_PROFILES),
    host: variables.RESET_HOST,
    httpPort: variables.RESET_HTTP_PORT,
    grpcPort: variables.RESET_GRPC_PORT,
    logLevel: variables.RESET_LOG_LEVEL,
    ackWaitMs: variables.RESET_ACK_WAIT_MS,
    ...(tls === undefined ? {} : { tls }),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function readTls(variables: Variables): Tls | undefined {
  const { RESET_TLS_CA: ca, RESET_TLS_CERT: certificate, RESET_TLS_KEY: key } = variables;
  if (ca === undefined && certificate === undefined && key === undefined) return undefined;
  if (ca === undefined || certificate === undefined || key === undefined) {
    throw new PermanentError(
      'RESET_TLS_CA, RESET_TLS_CERT and RESET_TLS_KEY belong together: set all three or none',
    );
  }
  return {
    ca: readNamed('RESET_TLS_CA', ca),
    certificate: readNamed('RESET_TLS_CERT', certificate),
    key: readNamed('RESET_TLS_KEY', key),
  };
}

/** Throws PermanentError with every problem named. Without a file there are none. */
export function readProfiles(file: string | undefined): Profiles {
  if (file === undefined) return Profiles.parse({});
  const text = readNamed('RESET_PROFILES', file).toString('utf8');
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new PermanentError(`${file} is neither YAML nor JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const parsed = Profiles.safeParse(content ?? {});
  if (parsed.success) return parsed.data;
  throw new PermanentError(`${file} is not a profiles file:\n${z.prettifyError(parsed.error)}`);
}

function readNamed(variable: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new PermanentError(`${variable}: cannot read ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
