/**
 * The plan of a task: written once, complete before its task record, and from then on the only thing that says what is to be done.
 */
import { acceptedIn } from '../../../shared/contract/epochs.ts';
import type { Example } from '../../../shared/contract/example.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { answeredStep, type Split, stepOfRound } from '../../../shared/contract/ids.ts';
import type { Store, Write } from '../../../shared/store/store.ts';
import { renderPrompt } from '../dataset/template.ts';
import { put, read, scan, type Task, tables, type TaskRecord } from '../ledger/tables.ts';
import { readExamples, readUnit } from '../ledger/units.ts';
import { cutUnits, type PlannedUnit } from '../plan/cut.ts';
import { mostCells } from '../plan/grid.ts';
import { planAnchors } from '../plan/anchors.ts';
import { planProbes } from '../plan/probes.ts';
import { lastWinRates, type WinRates } from '../plan/reallocate.ts';
import { drawSubset } from '../plan/subset.ts';
import { moveUnits, type Run, taskKey } from '../run.ts';
import { type Board, createBoard } from './board.ts';
import { planAgain, startAnswers } from './plan-again.ts';
import { roundOfStep } from './score-unit.ts';
import type { UnitState } from './unit.ts';
import { viewUnit } from './view.ts';

/** What a coordinator asks for. */
export interface TaskRequest {
  readonly run: string;
  readonly step: string;
  readonly task: Task;
  readonly checkpoint: string | null;
  readonly attempt: number;
}

/** Ledger rows in one write of a plan. */
const PLAN_ROWS = 1000;

/**
 * Makes the task's board: from the ledger where it was planned before, else by planning it. A higher attempt reopens a task that has
 * not succeeded. PermanentError where the task was planned for another checkpoint.
 */
export async function openTask(run: Run, request: TaskRequest, store: Store): Promise<Board> {
  const key = taskKey(request.step, request.task);
  const known = await read(store, tables.task, `${run.name}/${key}`);
  const record =
    known === undefined ? await planTask(run, request, store) : renewed(known, request);
  if (known !== undefined && record !== known)
    await store.write('attempt', [put(tables.task, `${run.name}/${key}`, record)]);
  const loaded = run.boards.get(key);
  return loaded !== undefined && record === known ? loaded : loadBoard(run, record, store);
}

/** Opens the boards of all tasks of a run that the ledger has. */
export async function loadTasks(run: Run, store: Store): Promise<TaskRecord[]> {
  const records: TaskRecord[] = [];
  for await (const [, record] of scan(store, tables.task, `${run.name}/`)) records.push(record);
  for (const record of records) await loadBoard(run, record, store);
  return records;
}

/** A task that has succeeded stays as it is; any other is opened again by a higher attempt, and with it all that the judges said for which it had ended. */
function renewed(known: TaskRecord, { checkpoint, attempt }: TaskRequest): TaskRecord {
  if (known.checkpoint !== checkpoint)
    throw new PermanentError(
      `${known.task} of ${known.step} was started for checkpoint ${String(known.checkpoint)}, not ${String(checkpoint)}`,
    );
  const succeeded = known.outcome?.outcome === 'sealed' || known.outcome?.outcome === 'evaluated';
  if (succeeded || attempt <= known.attempt) return known;
  const opened = { ...known, attempt, outcome: null };
  if (known.outcome?.outcome !== 'distrusted' && known.outcome?.outcome !== 'drifted')
    return opened;
  const { judges } = known.outcome;
  const anew = Object.fromEntries(judges.map((judge) => [judge, attempt]));
  const { settling = {}, ...others } = opened;
  const settled = Object.entries(settling).filter(([judge]) => !judges.includes(judge));
  return {
    ...others,
    ...(settled.length === 0 ? {} : { settling: Object.fromEntries(settled) }),
    trustedFrom: { ...known.trustedFrom, ...anew },
  };
}

async function planTask(run: Run, request: TaskRequest, store: Store): Promise<TaskRecord> {
  const writes = await planWrites(run, request, store);
  for (let first = 0; first < writes.length; first += PLAN_ROWS)
    await store.write('plan', writes.slice(first, first + PLAN_ROWS));
  const trustedFrom = acceptedIn(run.journal.entries().map(({ fact }) => fact));
  const record: TaskRecord = {
    ...request,
    winRates: winRatesFor(run, request),
    ...(Object.keys(trustedFrom).length === 0 ? {} : { trustedFrom }),
    outcome: null,
  };
  await store.write('task', [
    put(tables.task, `${run.name}/${taskKey(request.step, request.task)}`, record),
  ]);
  return record;
}

async function planWrites(run: Run, request: TaskRequest, store: Store): Promise<Write[]> {
  const { checkpoint, step } = request;
  if (checkpoint === null) return [];
  if (answeredStep(step) !== step) return planAgain(run, request, store);
  const units = await cut(run, request, store);
  return units.map((unit) => put(tables.plan, planKey(run, step, unit), unit));
}

function planKey(run: Run, step: string, { split, unit }: PlannedUnit): string {
  return `${run.name}/${step}/${split}/${unit}`;
}

/** A function of the journal, in which this task's own round has sealed nothing yet. */
function winRatesFor({ file, journal }: Run, { task, checkpoint }: TaskRequest): WinRates | null {
  if (file.sampling.reallocate === undefined || task !== 'curate' || checkpoint === null)
    return null;
  return lastWinRates(journal.entries().map(({ fact }) => fact));
}

async function cut(run: Run, { step, task }: TaskRequest, store: Store): Promise<PlannedUnit[]> {
  const { file } = run;
  const options = {
    step,
    maxTokens: file.sampling.maxTokens,
    promptOf: (example: Example) => renderPrompt(file.model, example),
  };
  const examplesOf = async (split: Split): Promise<Example[]> => {
    const examples: Example[] = [];
    for (const dataset of file.datasets) {
      const ids = (await read(store, tables.part, `${run.name}/${dataset.name}/${split}`)) ?? [];
      const chosen = split === 'train' ? drawn(ids, dataset, file.seed, step) : ids;
      examples.push(...(await readExamples(store, run.name, chosen)));
    }
    return examples;
  };
  if (task === 'curate') {
    const answers = mostCells(file.sampling);
    const units = cutUnits(await examplesOf('train'), { ...options, split: 'train', answers });
    return planProbes(units, file, step, run.judgesOf);
  }
  const dev = cutUnits(await examplesOf('dev'), { ...options, split: 'dev', answers: 1 });
  const answers =
    step === stepOfRound(0) ? new Map<string, string>() : await startAnswers(run, store);
  return [
    ...planAnchors(dev, file, run.judgesOf, answers),
    ...cutUnits(await examplesOf('test'), { ...options, split: 'test', answers: 1 }),
  ];
}

function drawn(
  ids: readonly string[],
  dataset: { name: string; perRound?: number | undefined },
  seed: number,
  step: string,
): string[] {
  const rows = ids.map((id) => ({ id }));
  return drawSubset(dataset, rows, seed, roundOfStep(step)).examples.map(({ id }) => id);
}

/**
 * Puts a task's board into the run, and then shows its units to the queues, which look it up. An ended task needs no units: nothing
 * is offered for it, and nothing that comes changes it.
 */
export async function loadBoard(run: Run, record: TaskRecord, store: Store): Promise<Board> {
  const units = record.outcome === null ? await readPlan(run, record, store) : [];
  const board = createBoard(record, units, run.judgesOf);
  run.boards.set(taskKey(record.step, record.task), board);
  await lookAtUnits(run, board, store, (changes) => {
    moveUnits(run, changes);
  });
  return board;
}

/** A board of a task that has ended, as it was when it ended; no queue sees it. */
export async function readEndedBoard(run: Run, record: TaskRecord, store: Store): Promise<Board> {
  const board = createBoard(record, await readPlan(run, record, store), run.judgesOf);
  await lookAtUnits(run, board, store, () => undefined);
  return board;
}

async function readPlan({ name }: Run, { step, task }: TaskRecord, store: Store) {
  const units: PlannedUnit[] = [];
  for (const split of task === 'curate' ? ['train'] : ['dev', 'test'])
    for await (const [, unit] of scan(store, tables.plan, `${name}/${step}/${split}/`))
      units.push(unit);
  return units;
}

async function lookAtUnits(
  run: Run,
  board: Board,
  store: Store,
  changed: (changes: readonly UnitState[]) => void,
): Promise<void> {
  for (const unit of board.units.values()) {
    const records = await readUnit(store, run.name, unit, run.judgesOf(unit));
    const { counts, states } = viewUnit(run, board, records);
    if (records.sample !== undefined) board.count(unit.unit, counts);
    changed(board.look(states));
  }
}
