/**
 * Answers become ledger rows: checked against the plan, put over what is there, and with a unit's last answer its selections.
 * One synced write for all of a batch; boards and windows follow it.
 */
import type { Logger } from 'pino';
import { sliceOf } from '../../../shared/contract/ids.ts';
import type { Result } from '../../../shared/contract/work.ts';
import {
  candidatesCounter,
  judgeDollarsCounter,
  judgeTokensCounter,
  refusedResultsCounter,
  unscoredCounter,
  verdictsCounter,
} from '../../../shared/process/metrics.ts';
import type { Store, Write } from '../../../shared/store/store.ts';
import { put, tables } from '../ledger/tables.ts';
import { boardOf, moveUnits, type Run } from '../run.ts';
import { type Taken, takeResult } from './answer.ts';
import type { Board } from './board.ts';
import { paidFor } from './judging.ts';
import { recordsOf } from './records.ts';
import { isAnswered, type StoredVerdict, type UnitRecords } from './unit.ts';
import { type UnitView, viewUnit } from './view.ts';

export interface CommitDeps {
  readonly store: Store;
  readonly log: Logger;
}

/** A unit that the batch touches, with its records as they will be. */
interface Touched {
  readonly board: Board;
  records: UnitRecords;
  readonly writes: Map<string, Write>;
}

/**
 * Takes results into the ledger and returns when they are durable. A result that does not fit its plan is refused, logged and counted;
 * one of a task that has ended changes nothing, for what was concluded from the ledger must follow from it for ever.
 */
export async function commitResults(
  run: Run,
  results: readonly Result[],
  { store, log }: CommitDeps,
): Promise<void> {
  const touched = await readTouched(run, results, store);
  const entered: Taken[] = [];
  for (const result of results) {
    if (hasEnded(boardOf(run, result.unit))) continue;
    const unit = touched.get(sliceOf(result.unit).slice);
    const taken = unit === undefined ? { refused: 'it is not planned' } : take(run, unit, result);
    if (taken.refused === undefined) {
      entered.push(taken);
      continue;
    }
    const { unit: name, peer, kind } = result;
    refusedResultsCounter.inc({ kind });
    log.warn(
      { run: run.name, unit: name, peer, kind, reason: taken.refused },
      'a result was refused',
    );
  }
  const changed = [...touched.values()]
    .filter(({ writes }) => writes.size > 0)
    .map((unit) => ({ ...unit, view: viewUnit(run, unit.board, unit.records) }));
  const writes = changed.flatMap(({ board, records, view, writes: own }) => [
    ...own.values(),
    ...selectionWrites(run, board, records, view),
  ]);
  if (writes.length > 0) await store.write('results', writes);
  for (const { board, records, view } of changed) {
    const { unit } = records.planned;
    board.count(unit, view.counts);
    if (isAnswered(view.states)) run.recent.drop(unit);
    else run.recent.keep(records);
    moveUnits(run, board.look(view.states));
  }
  for (const taken of entered) countOutcomes(run, taken);
  if (changed.length > 0) run.progressed();
}

function hasEnded(board: Board | undefined): boolean {
  return board !== undefined && board.record.outcome !== null;
}

async function readTouched(
  run: Run,
  results: readonly Result[],
  store: Store,
): Promise<Map<string, Touched>> {
  const touched = new Map<string, Touched>();
  const names = [...new Set(results.map(({ unit }) => sliceOf(unit).slice))];
  await Promise.all(
    names.map(async (name) => {
      const board = boardOf(run, name);
      const planned = board?.units.get(name);
      if (board === undefined || planned === undefined || hasEnded(board)) return;
      const records = await recordsOf(run, board, planned, store);
      touched.set(name, { board, records, writes: new Map() });
    }),
  );
  return touched;
}

function take(run: Run, unit: Touched, result: Result): Taken {
  const taken = takeResult(run, unit.board.record, unit.records, result);
  if (taken.refused !== undefined || taken.entered.length === 0) return taken;
  unit.records = taken.records;
  unit.writes.set(`${taken.write.table}/${taken.write.key}`, taken.write);
  return taken;
}

function selectionWrites(
  { name: run }: Run,
  { record }: Board,
  { planned: { unit } }: UnitRecords,
  { selections }: UnitView,
): Write[] {
  return Array.from(selections, ([example, selection]) =>
    put(tables.selection, `${run}/${record.step}/${example}`, { unit, ...selection }),
  );
}

function countOutcomes({ file }: Run, taken: Taken): void {
  if (taken.refused !== undefined) return;
  if (taken.kind === 'sample') {
    for (const { outcome } of taken.entered) candidatesCounter.inc({ outcome });
    return;
  }
  const judge = file.judges.find(({ name }) => name === taken.judge)?.type ?? taken.judge;
  for (const verdict of taken.entered) countVerdict(judge, verdict);
}

function countVerdict(judge: string, verdict: StoredVerdict): void {
  const { answer } = verdict;
  verdictsCounter.inc({ judge, outcome: answer.outcome });
  if (answer.outcome === 'unscored') unscoredCounter.inc({ judge, cause: answer.cause ?? 'other' });
  const { calls, promptTokens, cachedTokens, completionTokens, usd } = paidFor({
    ...verdict,
    superseded: undefined,
  });
  if (calls === 0) return;
  judgeTokensCounter.inc({ judge, kind: 'prompt' }, promptTokens - cachedTokens);
  judgeTokensCounter.inc({ judge, kind: 'cached' }, cachedTokens);
  judgeTokensCounter.inc({ judge, kind: 'completion' }, completionTokens);
  judgeDollarsCounter.inc({ judge }, usd);
}
