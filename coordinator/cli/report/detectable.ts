import type { FactOf } from '../../../shared/contract/facts.ts';
import type { Axis } from '../../../shared/contract/run-file.ts';
import { meanOf } from './answers.ts';

/** How small a change the dev parts can tell from chance, on one axis. */
export interface Detectable {
  readonly axis: Axis;
  /** Rows of dev with a value. */
  readonly rows: number;
  /** Standard error of the paired difference, on average over the decisions. */
  readonly standardError: number;
  readonly smallest: number;
}

/** Quantiles of the normal distribution at 0.975, the gate's bound, and at 0.8, the power asked for. */
const BOUND = 1.96;
const POWER = 0.84;

/**
 * The smallest true difference that a decision sees at least four times in five. The gate asks whether the lower 2.5 % bound of the
 * paired bootstrap is above a limit; with a standard error s of that difference, a true difference d above the limit passes with
 * probability Φ(d/s − 1.96), which is 0.8 at
 *
 *   d = (1.96 + 0.84) · s,   s = (upper − lower) / (2 · 1.96)
 *
 * where lower and upper are the bootstrap's 95 % bounds in the journal. All of it on dev, as the decision sees it; axes in the order
 * faithfulness, instruction, task, without those that no decision had.
 */
export function detectableDifferences(
  decisions: readonly FactOf<'decision.made'>[],
  evaluation: FactOf<'evaluation.finished'> | undefined,
): Detectable[] {
  const rows: Record<Axis, number> = {
    faithfulness: evaluation?.dev.faithfulness.seen?.n ?? 0,
    instruction: evaluation?.dev.instruction?.n ?? 0,
    task: evaluation?.dev.task?.n ?? 0,
  };
  return (['faithfulness', 'instruction', 'task'] as const).flatMap((axis) => {
    const standardError = meanOf(
      decisions.flatMap(({ differences: { [axis]: difference } }) =>
        difference === null ? [] : [(difference.upper - difference.lower) / (2 * BOUND)],
      ),
    );
    if (standardError === null) return [];
    return [{ axis, rows: rows[axis], standardError, smallest: (BOUND + POWER) * standardError }];
  });
}
