import { PermanentError } from '../../shared/contract/failure.ts';
import type { Answer } from '../../shared/contract/steps.ts';
import type { Store } from '../../shared/store/store.ts';
import { valuesOf } from './evaluation/scores.ts';
import { read, scan, tables } from './ledger/tables.ts';
import type { PlannedUnit } from './plan/cut.ts';
import { type Run, taskKey } from './run.ts';
import { readEvaluated } from './step/evidence.ts';

/**
 * The greedy answers of an evaluation with the values that its scores were made of, ordered by split (dev first), dataset and example; a
 * unit at a time. PermanentError where the step has no finished evaluation.
 */
export async function* readAnswers(run: Run, step: string, store: Store): AsyncGenerator<Answer> {
  const task = await read(store, tables.task, `${run.name}/${taskKey(step, 'evaluate')}`);
  if (task?.outcome?.outcome !== 'evaluated')
    throw new PermanentError(
      `run ${run.name} has no finished evaluation ${step}: its journal names them, r0 is the start`,
    );
  for (const split of ['dev', 'test'] as const) {
    const units: PlannedUnit[] = [];
    for await (const [, unit] of scan(store, tables.plan, `${run.name}/${step}/${split}/`))
      units.push(unit);
    for (const unit of units.sort(byFirstExample))
      for (const row of await readEvaluated(store, run, task, unit)) {
        const values = valuesOf(run.file, row).found.map(({ axis, value }) => [axis, value]);
        const { example, text } = row;
        yield {
          dataset: example.dataset,
          split,
          example: example.id,
          text,
          gold: example.references[0] ?? null,
          values: Object.fromEntries(values) as Answer['values'],
        };
      }
  }
}

/** Units of a dataset are slices of its examples in the order of their ids; datasets are in the run file's order. */
function byFirstExample(a: PlannedUnit, b: PlannedUnit): number {
  const [left, right] = [a, b].map(({ dataset, examples }) => `${dataset} ${examples[0] ?? ''}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
