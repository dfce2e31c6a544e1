import type { JudgedRow } from '../types/judge.ts';
import type { Outcome } from '../../../shared/contract/work.ts';

/** A user's own scorer. Throws TransientError where trying again may help, and PermanentError where it cannot be used as it is configured. */
export interface Scorer {
  /** What it says of its version, null where it says nothing. Asked once. */
  identity(signal: AbortSignal): Promise<string | null>;
  score(row: JudgedRow, answer: string, signal: AbortSignal): Promise<Outcome>;
}
