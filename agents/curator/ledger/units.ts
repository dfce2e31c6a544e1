import type { JudgeSpec, RunFile } from '../../../shared/contract/run-file.ts';
import type { Example } from '../../../shared/contract/example.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { PlannedUnit } from '../plan/cut.ts';
import { type UnitRecords, unitsAsked } from '../step/unit.ts';
import { read, type StoredVerdicts, tables } from './tables.ts';

/** All that the ledger has on a unit. */
export async function readUnit(
  store: Store,
  run: string,
  planned: PlannedUnit,
  judges: readonly JudgeSpec[],
): Promise<UnitRecords> {
  const [sample, ...verdicts] = await Promise.all([
    read(store, tables.sample, `${run}/${planned.unit}`),
    ...judges.map(async (judge): Promise<[string, StoredVerdicts[]]> => {
      const rows = await Promise.all(
        unitsAsked(judge, planned).map(({ unit }) =>
          read(store, tables.verdict, `${run}/${judge.name}/${unit}`),
        ),
      );
      return [judge.name, rows.filter((row) => row !== undefined)];
    }),
  ]);
  return { planned, sample, verdicts: new Map(verdicts) };
}

/** Examples of the run, in the order of `ids`. */
export function readExamples(
  store: Store,
  run: string,
  ids: readonly string[],
): Promise<Example[]> {
  return Promise.all(
    ids.map(async (id) => {
      const example = await read(store, tables.example, `${run}/${id}`);
      if (example !== undefined) return example;
      throw new PermanentError(
        `the ledger is damaged: run ${run} has no example ${id}; restore its folder from a copy`,
      );
    }),
  );
}

/** The run file's entry of a dataset. */
export function datasetOf(file: RunFile, name: string): RunFile['datasets'][number] {
  const dataset = file.datasets.find((one) => one.name === name);
  if (dataset !== undefined) return dataset;
  throw new PermanentError(`run ${file.run} has no dataset ${name}`);
}
