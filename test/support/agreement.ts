import * as scoring from '../../shared/scoring/auroc.ts';

/** The area under the ROC curve of two groups of values, each with at least one. */
export function auroc(positives: readonly number[], negatives: readonly number[]): number {
  const values = [...positives, ...negatives];
  const { value } = scoring.auroc(
    values,
    values.map((_, at) => at < positives.length),
  );
  return value ?? Number.NaN;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
