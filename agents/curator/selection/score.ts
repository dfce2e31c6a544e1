/** Scores of an example's candidates, joined by candidate and text id, never by position. */
import type { DatasetKind } from '../../../shared/contract/example.ts';
import type { JudgeSpec, RunFile } from '../../../shared/contract/run-file.ts';
import type { CandidateCounts } from '../../../shared/contract/facts.ts';
import type { Generation, Outcome } from '../../../shared/contract/work.ts';
import { judgesAsked, weigh } from '../../../shared/scoring/weigh.ts';
import type { PlannedCandidate } from '../plan/grid.ts';
import { textIdOf } from '../text-id.ts';

export const NOT_ASKED = 'all texts of the example are this one, so no paid judge was asked';

/** Answers of the judges about one example: by judge's name, then by text id. */
export type Verdicts = Readonly<Record<string, ReadonlyMap<string, Outcome>>>;

/** A candidate with all that is known of it; a score, or why there is none: it is certain, or the reason. */
export interface ScoredCandidate {
  readonly candidate: string;
  readonly cells: readonly string[];
  readonly text: string | null;
  /** Why the model server gave no text, else null. */
  readonly failure: string | null;
  readonly verdicts: Readonly<Record<string, Outcome>>;
  readonly score: number | null;
  /** Not scored because all texts of its example are the same; `certain.ts`. */
  readonly certain: boolean;
  readonly reason: string | null;
  /** The weighted sum in words and numbers. */
  readonly arithmetic: string;
}

/** Every planned candidate of an example, in grid order. A judge that does not apply to the kind is left out. `certain` where `isCertain`. */
export function scoreCandidates(
  file: Pick<RunFile, 'judges' | 'score'>,
  kind: DatasetKind,
  planned: readonly Pick<PlannedCandidate, 'candidate' | 'cells'>[],
  generations: readonly Generation[],
  verdicts: Verdicts,
  certain = false,
): ScoredCandidate[] {
  const asked = judgesAsked(kind, 'dev', file);
  const answers = new Map(generations.map((generation) => [generation.candidate, generation]));
  return planned.map(({ candidate, cells }) => {
    const generation = answers.get(candidate);
    if (generation?.outcome !== 'generated') {
      const failure = `sampling: ${generation?.reason ?? 'no answer'}`;
      const none = {
        text: null,
        failure,
        verdicts: {},
        score: null,
        certain: false,
        reason: failure,
      };
      return { candidate, cells, ...none, arithmetic: `no score: ${failure}` };
    }
    const about = verdictsOf(asked, verdicts, textIdOf(generation));
    const { score, reason, arithmetic } = weigh(kind, file.judges, file.score, about);
    const known = { candidate, cells, text: generation.text, failure: null, verdicts: about };
    return score === null && certain
      ? { ...known, score, certain, reason: null, arithmetic: `no score: ${NOT_ASKED}` }
      : { ...known, score, certain: false, reason, arithmetic };
  });
}

export function countCandidates(candidates: Iterable<ScoredCandidate>): CandidateCounts {
  const count: CandidateCounts = { planned: 0, scored: 0, certain: 0, unscored: {} };
  for (const { score, certain, reason } of candidates) {
    count.planned += 1;
    if (score !== null) count.scored += 1;
    else if (certain) count.certain += 1;
    else addTo(count.unscored, reason ?? 'no score');
  }
  return count;
}

/** Adds one to a named count. */
export function addTo(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function verdictsOf(
  judges: readonly JudgeSpec[],
  verdicts: Verdicts,
  text: string,
): Record<string, Outcome> {
  return Object.fromEntries(
    judges.flatMap(({ name }) => {
      const outcome = verdicts[name]?.get(text);
      return outcome === undefined ? [] : [[name, outcome]];
    }),
  );
}
