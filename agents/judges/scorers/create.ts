import type { ScorerProfile } from '../../../shared/contract/peer.ts';
import type { Note } from './child.ts';
import { createCommandScorer } from './command.ts';
import { createHttpScorer } from './http.ts';
import type { Scorer } from './scorer.ts';

/** The scorer of a profile. Nothing is reached or started before its first question. */
export function createScorer(profile: ScorerProfile, note: Note): Scorer {
  return 'url' in profile ? createHttpScorer(profile) : createCommandScorer(profile, note);
}
