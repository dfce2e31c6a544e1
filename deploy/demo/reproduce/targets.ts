import type { Difference } from '../../../shared/contract/facts.ts';
import type { RowName } from './rows.ts';
import { type Column, columns, differenceOf, estimateOf, type Part } from './scores.ts';

/** Test values of every row, all seeds together. */
export type ScoresByRow = Readonly<Record<RowName, readonly Part[]>>;

/** A figure that was promised or is only shown, with what came. */
export interface Finding {
  what: string;
  column: Column;
  /** Null where the rows have no values for it. */
  found: Difference | null;
  /** The oracle's difference on the same rows, where the column is one of faithfulness. */
  oracle: Difference | null;
  /** Empty where nothing was promised. */
  target: string;
  /** Null where there is no target, or nothing was found. */
  met: boolean | null;
}

/** What training on the second kind of data did to the first (method §1, "two-stage study"). */
export interface Forgetting {
  pipeline: 'CD→IF' | 'IF→CD';
  exactMatch: { before: number | null; after: number | null };
  /** Exact match fell under half of what it was: the score fell because most was forgotten. */
  mostlyForgetting: boolean;
}

interface Limits {
  atLeast?: number;
  atMost?: number;
  under?: number;
  lowerAtLeast?: number;
}

/** A difference that is to be judged: [what, before, after, column, limits]. No limits: no target, show what comes. */
export type Comparison = [string, RowName, RowName, Column, Limits];

const whole: readonly Comparison[] = [
  ...every('MTL+RESET − MTL', 'mtl', 'mtl-reset', [
    ['faithfulness seen', { atLeast: 0.1 }],
    ['faithfulness unseen', { atLeast: 0.1 }],
    ['abstractive', { atLeast: 0.03 }],
    ['extractive', { atLeast: 0.03 }],
    ['instruction', { atLeast: -0.01, lowerAtLeast: -0.03 }],
    ['task', { atLeast: -0.01 }],
    ['new wordings', {}],
  ]),
  ...every('MTL+RESET − random control', 'random', 'mtl-reset', [
    ['faithfulness seen', { atLeast: 0.06 }],
    ['faithfulness unseen', { atLeast: 0.06 }],
  ]),
  ...every('random control − MTL', 'mtl', 'random', [
    ['faithfulness seen', {}],
    ['faithfulness unseen', {}],
  ]),
  ...every('weights 0 − MTL', 'mtl', 'weights-0', [
    ['faithfulness seen', { under: 0.03 }],
    ['faithfulness unseen', { under: 0.03 }],
  ]),
  ...every('clean world: MTL+RESET − MTL', 'clean', 'clean-reset', [
    ['faithfulness seen', { under: 0.03 }],
    ['faithfulness unseen', { under: 0.03 }],
  ]),
  ...every('gold references − MTL', 'mtl', 'gold', [
    ['faithfulness seen', {}],
    ['faithfulness unseen', {}],
  ]),
  ...every('MTL − context only', 'context', 'mtl', [
    ['faithfulness seen', { atLeast: -0.05 }],
    ['faithfulness unseen', { atLeast: -0.05 }],
  ]),
  ...every('MTL − instruction only', 'zero-shot', 'mtl', [['instruction', { atLeast: -0.05 }]]),
  ...every('CD→IF − CD', 'cd', 'cd-if', [
    ['faithfulness seen', { atMost: -0.1 }],
    ['faithfulness unseen', { atMost: -0.1 }],
  ]),
  ...every('IF→CD − IF', 'zero-shot', 'context', [['instruction', { atMost: -0.1 }]]),
  ...every('RESET without MTL − MTL', 'mtl', 'reset-without-mtl', [
    ['faithfulness seen', {}],
    ['faithfulness unseen', {}],
    ['instruction', {}],
  ]),
  ...every('MTL+RESET-S − MTL', 'mtl', 'mtl-reset-s', [
    ['faithfulness seen', {}],
    ['faithfulness unseen', {}],
    ['instruction', {}],
  ]),
];

function every(
  what: string,
  before: RowName,
  after: RowName,
  parts: readonly (readonly [Column, Limits])[],
) {
  return parts.map(([column, limits]) => [what, before, after, column, limits] as Comparison);
}

/** Of RESET and the random control alone. */
const short: readonly Comparison[] = [
  ...every('MTL+RESET − MTL', 'mtl', 'mtl-reset', [
    ['faithfulness seen', { atLeast: 0.05 }],
    ['faithfulness unseen', { atLeast: 0.05 }],
    ['abstractive', {}],
    ['extractive', {}],
    ['instruction', {}],
    ['task', {}],
    ['new wordings', {}],
  ]),
  ...every('MTL+RESET − random control', 'random', 'mtl-reset', [
    ['faithfulness seen', { atLeast: 0.03 }],
    ['faithfulness unseen', { atLeast: 0.03 }],
  ]),
  ...every('random control − MTL', 'mtl', 'random', [
    ['faithfulness seen', {}],
    ['faithfulness unseen', {}],
  ]),
];

/** What each engine is asked for. */
export const comparisonsOf = { tinylm: whole, deepspeed: short } as const;

/** How much of what the judges see as a gain the oracle must see too. */
const ORACLE_SHARE = 0.7;

/** Every difference that the issue names, with its target. */
export function findingsOf(scores: ScoresByRow, comparisons: readonly Comparison[]): Finding[] {
  const findings = comparisons.map(([what, before, after, column, limits]): Finding => {
    const found = differenceOf(scores[before], scores[after], column);
    const oracle =
      columns[column].measure === 'faithfulness'
        ? differenceOf(scores[before], scores[after], column, 'oracle')
        : null;
    const target = wordsOf(limits);
    const met = found === null || target === '' ? null : holds(found, limits);
    return { what, column, found, oracle, target, met };
  });
  return [...findings, ...oracleFindings(findings)];
}

function oracleFindings(findings: readonly Finding[]): Finding[] {
  return findings
    .filter(({ what, oracle }) => what === 'MTL+RESET − MTL' && oracle !== null)
    .filter(({ column }) => column === 'faithfulness seen' || column === 'faithfulness unseen')
    .map(({ column, found, oracle }) => ({
      what: 'oracle: MTL+RESET − MTL',
      column,
      found: oracle,
      oracle: null,
      target: `≥ ${ORACLE_SHARE} × the judges’ ${signed(found?.mean ?? 0)}`,
      // Of no gain there is no share.
      met:
        found === null || oracle === null || found.mean <= 0
          ? null
          : oracle.mean >= ORACLE_SHARE * found.mean,
    }));
}

function holds({ mean, lower }: Difference, limits: Limits): boolean {
  return (
    mean >= (limits.atLeast ?? -Infinity) &&
    mean <= (limits.atMost ?? Infinity) &&
    mean < (limits.under ?? Infinity) &&
    lower >= (limits.lowerAtLeast ?? -Infinity)
  );
}

function wordsOf({ atLeast, atMost, under, lowerAtLeast }: Limits): string {
  return [
    ...(atLeast === undefined ? [] : [`≥ ${signed(atLeast)}`]),
    ...(atMost === undefined ? [] : [`≤ ${signed(atMost)}`]),
    ...(under === undefined ? [] : [`< ${signed(under)}`]),
    ...(lowerAtLeast === undefined ? [] : [`lower bound ≥ ${signed(lowerAtLeast)}`]),
  ].join(', ');
}

/** With its sign, at most three digits, such as `+0.1`. */
function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(Number(value.toFixed(3)))}`;
}

/** Exact match before and after the second stage of each pipeline that was carried out. */
export function forgettingOf(scores: ScoresByRow): Forgetting[] {
  const pipelines = [
    ['CD→IF', 'cd', 'cd-if'],
    ['IF→CD', 'zero-shot', 'context'],
  ] as const;
  return pipelines
    .filter(([, first]) => scores[first].length > 0)
    .map(([pipeline, first, second]) => {
      const [before, after] = [first, second].map(
        (row) => estimateOf(scores[row], 'exact match')?.mean ?? null,
      ) as [number | null, number | null];
      const mostlyForgetting = before !== null && after !== null && after < before / 2;
      return { pipeline, exactMatch: { before, after }, mostlyForgetting };
    });
}
