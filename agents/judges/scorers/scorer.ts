import type { JudgedRow } from '../types/judge.ts';
import type { ScorerProfile } from '../../../shared/contract/peer.ts';
import type { Outcome } from '../../../shared/contract/work.ts';

/** How a scorer is reached, which is also the type of the judges that may use it. */
export type ScorerKind = 'http' | 'command';

/** A user's own scorer. Throws TransientError where trying again may help, and PermanentError where it cannot be used as it is configured. */
export interface Scorer {
  readonly kind: ScorerKind;
  /** What it says of its version, null where it says nothing. Asked once. */
  identity(signal: AbortSignal): Promise<string | null>;
  score(row: JudgedRow, answer: string, signal: AbortSignal): Promise<Outcome>;
  /** Ends what runs for it. */
  close(): Promise<void>;
}

export function scorerKind(profile: ScorerProfile): ScorerKind {
  return 'url' in profile ? 'http' : 'command';
}
