import { PermanentError } from '../../../shared/contract/failure.ts';
import type { RunFile, StartStage } from '../../../shared/contract/run-file.ts';
import type { TrainPart } from '../dataset/references.ts';
import { mixReferences, readStageRows, type StageRows } from '../dataset/references.ts';

/** The stage of the start that `start-<i>` names. PermanentError where the run file has no such stage. */
export function stageOf({ run, start }: RunFile, step: string): StartStage {
  const stage = start[Number(step.slice('start-'.length))];
  if (stage !== undefined) return stage;
  throw new PermanentError(`run ${run} has ${start.length} start stages, so there is no ${step}`);
}

/** What a stage of the start is trained on: the rows that it names, or the references of all training datasets. */
export async function stageRows(
  file: RunFile,
  step: string,
  trainParts: () => Promise<TrainPart[]>,
): Promise<StageRows> {
  const stage = stageOf(file, step);
  if (stage.rows !== undefined) return readStageRows(stage, '/');
  return mixReferences(file, await trainParts());
}
