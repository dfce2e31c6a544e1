import { destination, pino, type Logger } from 'pino';
import type { Role } from '../contract/peer.ts';
import type { LogLevel } from './environment.ts';

export type { Logger } from 'pino';

/** JSON lines on stderr, written at once so that a killed process has said what it did. Identity is bound here, once. */
export function createLogger(role: Role | 'cli', peer: string, level: LogLevel): Logger {
  return pino({ level, base: { role, peer } }, destination({ fd: 2, sync: true }));
}
