import type { Fact, FactOf } from '../../../shared/contract/facts.ts';
import { isJudgedAgain } from '../../../shared/contract/ids.ts';
import type { JournalEntry } from '../../curator.ts';
import { runFileOf } from '../../decision/journal.ts';
import { type GridSummary, gridsOf, type RunSummary, summarize } from '../summary.ts';
import type { JudgeSpec } from '../../../shared/contract/run-file.ts';
import type { RunTruncation } from '../../../shared/contract/truncation.ts';
import type { RoundAnswers } from './answers.ts';
import { type NamedCheck, shownName } from './checks.ts';
import { type Detectable, detectableDifferences } from './detectable.ts';
import { digestsOf, type NamedDigest } from './digests.ts';
import { type EqualLength, equalLength } from './equal-length.ts';
import { type FaithfulnessByLength, faithfulnessByLength } from './faithfulness-by-length.ts';
import { judgingOf, type RoundJudging } from './judging.ts';
import { averageLengths, type Lengths } from './lengths.ts';
import { pairsOf, type RoundPairs } from './pairs.ts';

/** All that is told of a run. Scores and lengths are of the test parts, what decides is of dev. */
export interface Report extends RunSummary {
  readonly evaluations: readonly FactOf<'evaluation.finished'>[];
  readonly decisions: readonly FactOf<'decision.made'>[];
  readonly detectable: readonly Detectable[];
  readonly lengths: Lengths;
  readonly faithfulnessByLength: readonly FaithfulnessByLength[];
  readonly equalLength: readonly EqualLength[];
  readonly grids: readonly GridSummary[];
  readonly curated: readonly FactOf<'dataset.sealed'>[];
  /** What became of the rows that are too long for the model; undefined where that could not be measured. */
  readonly truncation: RunTruncation | undefined;
  readonly pairs: readonly RoundPairs[];
  readonly judging: readonly RoundJudging[];
  readonly checks: readonly NamedCheck[];
  readonly digests: readonly NamedDigest[];
}

/** A report of what the journal and the answers of its evaluated rounds say so far; `checksOf` knows what its judges were measured at. */
export function makeReport(
  entries: readonly JournalEntry[],
  answers: readonly RoundAnswers[],
  checksOf: (judges: readonly JudgeSpec[]) => readonly NamedCheck[],
): Report {
  const facts = entries.map(({ fact }) => fact);
  const { datasets, judges } = runFileOf(facts);
  const checks = checksOf(judges);
  const evaluations = ofKind(facts, 'evaluation.finished').filter(
    ({ step }) => !isJudgedAgain(step),
  );
  const decisions = ofKind(facts, 'decision.made');
  const shown = new Set(datasets.filter((one) => one.shown === true).map(({ name }) => name));
  const averaged = answers.map(({ round, answers: all }) => ({
    round,
    answers: all.filter(({ dataset }) => !shown.has(dataset)),
  }));
  const evaluated = new Set(answers.flatMap((one) => one.answers.map(({ dataset }) => dataset)));
  return {
    ...summarize(entries),
    evaluations,
    decisions,
    detectable: detectableDifferences(decisions, evaluations.at(-1)),
    lengths: averageLengths(
      answers,
      datasets.map(({ name }) => name).filter((name) => evaluated.has(name)),
    ),
    faithfulnessByLength: faithfulnessByLength(averaged, datasets),
    equalLength: equalLength(averaged),
    grids: gridsOf(facts),
    curated: ofKind(facts, 'dataset.sealed').filter(({ step }) => step.startsWith('r')),
    truncation: ofKind(facts, 'run.opened')[0]?.truncation,
    pairs: pairsOf(facts),
    judging: judgingOf(facts),
    checks,
    digests: digestsOf(facts, (judge) => shownName(checks, judge)),
  };
}

function ofKind<TName extends Fact['fact']>(facts: readonly Fact[], name: TName): FactOf<TName>[] {
  return facts.filter((fact): fact is FactOf<TName> => fact.fact === name);
}
