import { PermanentError } from '../../../shared/contract/failure.ts';
import type { RunFile, StartStage } from '../../../shared/contract/run-file.ts';
import type { TrainPart } from '../dataset/references.ts';
import { mixReferences, readStageRows, type StageRows } from '../dataset/references.ts';

/** The stage of the start that `start-<i>` names. PermanentError where the run file has no such stage, or it trains on nothing. */
export function stageOf({ run, start }: RunFile, step: string): StartStage {
  const stage = start[Number(step.slice('start-'.length))];
  if (stage?.checkpoint !== undefined)
    throw new PermanentError(`${step} of run ${run} is a given checkpoint: it trains on no rows`);
  if (stage !== undefined) return stage;
  throw new PermanentError(`run ${run} has ${start.length} start stages, so there is no ${step}`);
}

/** What a stage of the start is trained on: the rows that it names, or the references of its datasets. */
export async function stageRows(
  file: RunFile,
  step: string,
  trainParts: () => Promise<TrainPart[]>,
): Promise<StageRows> {
  const stage = stageOf(file, step);
  if (stage.rows !== undefined) return readStageRows(file, stage, '/');
  const parts = await trainParts();
  const { datasets = parts.map(({ name }) => name) } = stage;
  return mixReferences(
    file,
    parts.filter(({ name }) => datasets.includes(name)),
  );
}
