import { unitsMissingGauge } from '../../shared/process/metrics.ts';
import type { Run } from './run.ts';

/** Shows how many planned units lack an answer, by `sample` and the types of judges, over all runs in hand. */
export function showMissing(runs: Iterable<Run>): void {
  const missing = new Map<string, number>();
  for (const { file, boards } of runs) {
    const typeOf = (queue: string): string =>
      file.judges.find(({ name }) => name === queue)?.type ?? queue;
    for (const board of boards.values())
      for (const [queue, units] of board.missing())
        missing.set(typeOf(queue), (missing.get(typeOf(queue)) ?? 0) + units);
  }
  for (const [queue, units] of missing) unitsMissingGauge.set({ queue }, units);
}
