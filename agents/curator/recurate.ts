/**
 * A round's dataset made again with other weights or another selection, from the candidates and verdicts that the ledger holds: no
 * model and no judge is asked, and nothing of the run changes.
 */
import { PermanentError } from '../../shared/contract/failure.ts';
import { canonicalJson } from '../../shared/contract/ids.ts';
import { problemsOf } from '../../shared/contract/problems.ts';
import type { Recurating, Recuration, RecurationPart } from '../../shared/contract/recuration.ts';
import { type RunFile, Select } from '../../shared/contract/run-file.ts';
import type { TrainingRow } from '../../shared/contract/training.ts';
import { axesOf } from '../../shared/scoring/weigh.ts';
import type { Store } from '../../shared/store/store.ts';
import { describeDataset, MANIFEST_FILE, shardsOf } from './dataset/seal.ts';
import { read, tables, type TaskRecord } from './ledger/tables.ts';
import { readUnit } from './ledger/units.ts';
import { byExample } from './plan/subset.ts';
import { type Run, taskKey } from './run.ts';
import { curateRounds } from './step/curate-rounds.ts';
import type { SelectionsOf } from './step/evidence.ts';
import { readEndedBoard } from './step/plan.ts';
import { createTally } from './step/tally.ts';
import { selectUnit } from './step/view.ts';

/** Differences that are shown of each dataset. */
const SHOWN = 2;

const PIECE_CHARACTERS = 256 * 1024;

/** PermanentError where the step has sealed nothing that was sampled, or a change does not fit the run file. */
export async function* recurate(
  run: Run,
  step: string,
  changes: Recurating,
  store: Store,
): AsyncGenerator<RecurationPart> {
  const record = await sealedRound(run, step, store);
  const changed = { ...run, file: changedFile(run.file, changes) };
  const board = await readEndedBoard(run, record, store);
  const tally = createTally();
  const trained = await curateRounds(run, board, store);
  const selectionsOf: SelectionsOf = async (unit) => {
    const records = await readUnit(store, run.name, unit, board.judges(unit));
    // Whatever the changed selection would have asked for: what there is counts.
    const { candidates, selections } = selectUnit(changed.file, record, records);
    tally.set(unit.unit, { generated: 0, candidates, judging: {} });
    return selections;
  };
  const other = { file: changed.file, selectionsOf };
  const curation = await curateRounds(run, board, store, other);
  const { rows, emptied, byDataset, ties, duplicates, cells } = curation;
  const { digest } = describeDataset(trained.rows);
  if (digest !== record.dataset)
    throw new PermanentError(
      `${step} was trained on dataset ${record.dataset}, and the ledger now gives ${digest}: restore its folder from a copy`,
    );
  const left = rows.length > 0 && emptied.length === 0 ? rows : [];
  const dataset = left.length === 0 ? undefined : describeDataset(left);
  yield {
    recuration: {
      step,
      weights: changed.file.score,
      select: changed.file.select,
      dataset: dataset?.digest ?? null,
      emptied: [...emptied],
      rows: left.length,
      byDataset,
      ties,
      duplicates,
      cells,
      candidates: tally.candidates,
      unjudged: unjudged(run.file, changed.file),
      trained: { dataset: digest, rows: trained.rows.length },
      ...compare(trained.rows, left),
    },
  };
  if (!changes.files || dataset === undefined) return;
  for (const { path, lines } of shardsOf(left))
    for (const text of piecesOf(lines)) yield { path, text };
  yield { path: MANIFEST_FILE, text: canonicalJson(dataset.manifest) };
}

async function sealedRound(
  { name }: Run,
  step: string,
  store: Store,
): Promise<TaskRecord & { dataset: string }> {
  const record = await read(store, tables.task, `${name}/${taskKey(step, 'curate')}`);
  if (record?.outcome?.outcome !== 'sealed')
    throw new PermanentError(`run ${name} has sealed no dataset of ${step} yet`);
  if (record.checkpoint === null)
    throw new PermanentError(
      `${step} of run ${name} is a stage of the start: it is trained on ready answers, there is nothing to select; name a round, such as r1`,
    );
  return { ...record, dataset: record.outcome.dataset };
}

function changedFile(file: RunFile, { weights, select }: Recurating): RunFile {
  const parsed = Select.safeParse({ ...file.select, ...select });
  if (!parsed.success) throw new PermanentError(`select: ${problemsOf(parsed.error)}`);
  const { task, instruction, faithfulness } = { ...file.score, ...weights };
  return {
    ...file,
    score: {
      task: task ?? file.score.task,
      instruction: instruction ?? file.score.instruction,
      faithfulness: faithfulness ?? file.score.faithfulness,
    },
    select: parsed.data,
  };
}

/** Axes that had no weight: their judges were not asked about train rows. */
function unjudged({ score, datasets }: RunFile, now: RunFile): Recuration['unjudged'] {
  return datasets
    .filter(({ train }) => train !== undefined)
    .flatMap(({ name, kind }) =>
      axesOf(kind)
        .filter((axis) => score[axis] === 0 && now.score[axis] !== 0)
        .map((axis) => ({ dataset: name, axis })),
    );
}

function compare(
  before: readonly TrainingRow[],
  after: readonly TrainingRow[],
): Pick<Recuration, 'difference' | 'shown'> {
  const difference: Recuration['difference'] = {};
  const shown: Recuration['shown'] = [];
  const [then, now] = [before, after].map((rows) => new Map(rows.map((row) => [row.id, row])));
  const all = new Map([...before, ...after].map((row) => [row.id, row]));
  for (const { id, dataset } of [...all.values()].sort(byExample)) {
    const count = (difference[dataset] ??= { same: 0, changed: 0, added: 0, removed: 0 });
    const [was, is] = [textOf(then?.get(id)), textOf(now?.get(id))];
    if (was === null) count.added += 1;
    else if (is === null) count.removed += 1;
    else if (was === is) count.same += 1;
    else count.changed += 1;
    if (was !== is && count.changed + count.added + count.removed <= SHOWN)
      shown.push({ dataset, row: id, before: was, after: is });
  }
  return { difference, shown };
}

function textOf(row: TrainingRow | undefined): string | null {
  return row?.turns.map(({ completion }) => completion).join('\n') ?? null;
}

function* piecesOf(lines: readonly string[]): Generator<string> {
  let piece = '';
  for (const line of lines) {
    piece += line;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
