import type { DatasetKind } from '../../../shared/contract/example.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { Outcome, SampleRequest } from '../../../shared/contract/work.ts';
import type { TaskRecord } from '../ledger/tables.ts';
import type { PlannedUnit } from '../plan/cut.ts';
import {
  candidatesOf,
  type Cell,
  cellsOf,
  greedyCell,
  type PlannedCandidate,
  requestsOf,
} from '../plan/grid.ts';
import { isCertain } from '../selection/certain.ts';
import { type ScoredCandidate, scoreCandidates } from '../selection/score.ts';
import type { UnitRecords } from './unit.ts';

/** An example of a unit with all of its planned candidates. */
export interface ScoredExample {
  readonly example: string;
  readonly candidates: readonly ScoredCandidate[];
}

/** `r3` is 3, and so is `r3-again-1`. */
export function roundOfStep(step: string): number {
  return Number.parseInt(step.slice(1), 10);
}

/** A task that samples, by which its requests are named. */
export type SamplingTask = Pick<TaskRecord, 'step' | 'winRates'> & { readonly checkpoint: string };

/** The planned requests of one example: the grid of its round on train parts, one greedy answer on dev and test. */
export function plannedRequests(
  file: RunFile,
  task: SamplingTask,
  unit: PlannedUnit,
  example: string,
): SampleRequest[] {
  return requestsOf(plannedCells(file, task, unit, example), file.seed, task.checkpoint, example);
}

/** What the planned requests of one example ask for. */
export function plannedCandidates(
  file: RunFile,
  task: SamplingTask,
  unit: PlannedUnit,
  example: string,
): PlannedCandidate[] {
  return candidatesOf(plannedCells(file, task, unit, example), file.seed, task.checkpoint, example);
}

function plannedCells(
  { seed, sampling }: RunFile,
  { step, winRates }: SamplingTask,
  { split }: PlannedUnit,
  example: string,
): readonly Cell[] {
  if (split !== 'train') return [greedyCell];
  return cellsOf(sampling, seed, roundOfStep(step), example, winRates);
}

/** Weighs every planned candidate of a unit with what the ledger has. */
export function scoreUnit(
  file: RunFile,
  kind: DatasetKind,
  task: SamplingTask,
  { planned, sample, verdicts }: UnitRecords,
): ScoredExample[] {
  const generations = new Map(
    sample?.items.map(({ example, generations }) => [example, generations]),
  );
  const answers = new Map<string, Map<string, ReadonlyMap<string, Outcome>>>();
  for (const [judge, rows] of verdicts)
    for (const { example, verdicts: about } of rows.flatMap(({ items }) => items)) {
      const byJudge = answers.get(example) ?? new Map<string, ReadonlyMap<string, Outcome>>();
      byJudge.set(judge, new Map(about.map(({ text, answer }) => [text, answer])));
      answers.set(example, byJudge);
    }
  return planned.examples.map((example) => ({
    example,
    candidates: scoreCandidates(
      file,
      kind,
      plannedCandidates(file, task, planned, example),
      generations.get(example) ?? [],
      Object.fromEntries(answers.get(example) ?? []),
      isCertain(file.select, planned.split, generations.get(example) ?? []),
    ),
  }));
}
