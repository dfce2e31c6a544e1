import Table from 'cli-table3';
import type { StatisticInterval } from '../../../shared/scoring/bootstrap-statistic.ts';
import type { Measured } from './measure.ts';

/** One table for people: what was measured, the figure with its 95 % bounds, on how many. */
export function renderMeasured({ people, planted, reasons }: Measured): string {
  const table = new Table({
    head: ['measure', 'figure', '95 % bounds', 'n', 'same value', 'unscored'],
    style: { head: [], border: [] },
  });
  const { spearman, auroc, unscored } = people;
  table.push(['Spearman with the labels', ...interval(spearman), '', unscored]);
  table.push(['AUROC, label 1 against lower', ...interval(auroc), '', unscored]);
  for (const { planting, n, equal, share, bounds, unscored } of planted) {
    const [lower, upper] = bounds ?? [null, null];
    const figures = [digits(share), between(lower, upper), n, equal, unscored];
    table.push([`supported above ${planting}`, ...figures]);
  }
  const why = reasons.slice(0, 3).map(([reason, times]) => `unscored ${times} times: ${reason}`);
  return [table.toString(), ...why, ''].join('\n');
}

function interval({ n, value, lower, upper }: StatisticInterval): (string | number)[] {
  return [digits(value), between(lower, upper), n];
}

function between(lower: number | null, upper: number | null): string {
  return lower === null || upper === null ? 'none' : `${digits(lower)} to ${digits(upper)}`;
}

function digits(value: number | null): string {
  return value === null ? 'none' : value.toFixed(2);
}
