import { PermanentError } from '../../../shared/contract/failure.ts';
import { stepOfRound } from '../../../shared/contract/ids.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { Store } from '../../../shared/store/store.ts';
import { read, tables } from '../ledger/tables.ts';
import { type Run, taskKey } from '../run.ts';
import { type Curation, curate } from '../selection/balance.ts';
import { poolRounds } from '../selection/pool.ts';
import type { Board } from './board.ts';
import { readEvaluationRows, readSelected, type SelectionsOf } from './evidence.ts';
import { readEndedBoard } from './plan.ts';
import { roundOfStep } from './score-unit.ts';

/** Selects the round's candidates in another way than the run did. */
export interface OtherSelection {
  readonly file: RunFile;
  readonly selectionsOf: SelectionsOf;
}

/** What a round trains on: what it selected, and with `rounds.data: pooled` what the rounds before it did. */
export async function curateRounds(
  run: Run,
  board: Board,
  store: Store,
  other?: OtherSelection,
): Promise<Curation> {
  const changed = { ...run, file: other?.file ?? run.file };
  const own = await curateRound(changed, board, store, other?.selectionsOf);
  if (run.file.rounds.data === 'round') return own;
  const earlier: Curation[] = [];
  for (let round = 1; round < roundOfStep(board.record.step); round += 1) {
    const key = `${run.name}/${taskKey(stepOfRound(round), 'curate')}`;
    const record = await read(store, tables.task, key);
    if (record === undefined)
      throw new PermanentError(
        `the ledger is damaged: it has no task ${key}; restore its folder from a copy`,
      );
    earlier.push(await curateRound(run, await readEndedBoard(run, record, store), store));
  }
  return poolRounds(earlier, own);
}

async function curateRound(
  run: Run,
  board: Board,
  store: Store,
  selectionsOf?: SelectionsOf,
): Promise<Curation> {
  const { name, file } = run;
  return curate(
    file,
    roundOfStep(board.record.step),
    await readSelected(store, run, board, selectionsOf),
    readEvaluationRows(store, name, file),
  );
}
