import {
  addUsage,
  callsOf,
  type Judging,
  noUsage,
  type Usage,
  usageOf,
} from '../../../shared/contract/judging.ts';
import { isAskedByExample } from '../../../shared/contract/judge-options.ts';
import type { JudgeSpec, Select } from '../../../shared/contract/run-file.ts';
import type { PlannedItems } from '../ledger/merge.ts';
import { isCertain } from '../selection/certain.ts';
import { addTo } from '../selection/score.ts';
import { type StoredVerdict, textsOf, type UnitRecords } from './unit.ts';

/** By judge's name. */
export type JudgingByJudge = Readonly<Record<string, Judging>>;

/** What judging a unit has come to: a function of its records, so that it counts each stored verdict once and can be made again at any time. */
export function countJudging(
  { planned, sample, verdicts }: UnitRecords,
  judges: readonly JudgeSpec[],
  select: Select,
): JudgingByJudge {
  if (sample === undefined) return {};
  const generations = sample.items.flatMap((item) => item.generations);
  const candidates = generations.filter(({ outcome }) => outcome === 'generated').length;
  const texts = keysOf(textsOf(sample));
  const certain = keysOf(
    textsOf({
      items: sample.items.filter((item) => isCertain(select, planned.split, item.generations)),
    }),
  );
  return Object.fromEntries(
    judges.map((judge): [string, Judging] => {
      const stored = (verdicts.get(judge.name) ?? []).flatMap(({ items }) =>
        items.flatMap((item) => item.verdicts),
      );
      const skipped = isAskedByExample(judge) ? certain : 0;
      const counted = { equal: candidates - texts, certain: skipped };
      return [judge.name, { ...counted, ...countVerdicts(stored) }];
    }),
  );
}

/** What a verdict adds to the bill of its run. */
export function paidFor({ answer, cached, superseded }: StoredVerdict): Usage {
  const calls = cached === true ? [] : callsOf(answer.details);
  if (superseded === undefined) return calls.length === 0 ? noUsage : usageOf(calls);
  return addUsage(superseded, usageOf(calls));
}

function countVerdicts(stored: readonly StoredVerdict[]): Omit<Judging, 'equal' | 'certain'> {
  const unscored: Record<string, number> = {};
  let usage = noUsage;
  let [scored, cached] = [0, 0];
  for (const verdict of stored) {
    if (verdict.answer.outcome === 'scored') scored += 1;
    else addTo(unscored, verdict.answer.cause ?? 'other');
    if (verdict.cached === true) cached += 1;
    const paid = paidFor(verdict);
    if (paid !== noUsage) usage = addUsage(usage, paid);
  }
  return { scored, unscored, cached, ...usage };
}

function keysOf(items: readonly PlannedItems[]): number {
  return items.reduce((sum, { keys }) => sum + keys.length, 0);
}
