/** How a run comes into the ledger, and out of it after a restart. */
import { isAbsolute } from 'node:path';
import type { Bus, Directory } from '../../shared/bus/bus.ts';
import { messageOf, PermanentError } from '../../shared/contract/failure.ts';
import { digestOf } from '../../shared/contract/ids.ts';
import { problemsOf } from '../../shared/contract/problems.ts';
import { RunFile } from '../../shared/contract/run-file.ts';
import type { Store, Write } from '../../shared/store/store.ts';
import { loadDatasets } from './dataset/load.ts';
import { readStageRows } from './dataset/references.ts';
import { openJournal } from './ledger/journal.ts';
import { put, type RunRecord, scan, tables } from './ledger/tables.ts';
import { createRun, type Run } from './run.ts';
import { checkJudges } from './selection/judges.ts';
import { type Truncated, truncate } from './truncation/truncate.ts';

/** This ledger, as runs are bound to it. */
export interface LedgerIdentity {
  readonly ledger: string;
  readonly curator: string;
  readonly grpc: string;
}

const ROWS_AT_ONCE = 1000;

export function parseRunFile(json: string): RunFile {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new PermanentError(`the run file is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = RunFile.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PermanentError(`the run file cannot be used: ${problemsOf(parsed.error)}`);
}

/**
 * Takes a new run into the ledger: its examples, then the run with its first fact. Before it writes anything it checks all that the
 * run file names and throws one PermanentError with every problem.
 */
export async function openRun(
  file: RunFile,
  bind: () => Promise<void>,
  store: Store,
): Promise<Run> {
  const truncated = await checkRun(file);
  await bind();
  for (const writes of inChunks(exampleWrites(file.run, truncated)))
    await store.write('examples', writes);
  const { truncation } = truncated;
  const record = {
    file,
    digest: digestOf(file),
    ...(truncation === undefined ? {} : { truncation }),
  };
  await store.write('run', [put(tables.run, file.run, record)]);
  return loadRun(record, store);
}

/** The runs of the ledger. */
export async function loadRuns(store: Store): Promise<Run[]> {
  const runs: Run[] = [];
  for await (const [, record] of scan(store, tables.run, ''))
    runs.push(await loadRun(record, store));
  return runs;
}

/** The run's only truth is elsewhere: working on it here would make a second one. */
export class OtherLedgerError extends PermanentError {
  override readonly name = 'OtherLedgerError';
}

/** Binds a run to this ledger, or renews the binding. OtherLedgerError where it belongs to another. */
export async function bindRun(
  run: string,
  own: LedgerIdentity,
  bus: Pick<Bus, 'declare'>,
  directory: Directory,
): Promise<void> {
  await bus.declare();
  const held = await directory.bind({ run, ...own });
  if (held.ledger === own.ledger) return;
  throw new OtherLedgerError(
    `run ${run} belongs to ledger ${held.ledger.slice(0, 12)} of curator ${held.curator} (${held.grpc}), not to ledger ` +
      `${own.ledger.slice(0, 12)} of ${own.curator}: start that curator, or give the run another name`,
  );
}

/** A run whose first fact was lost in a kill gets it now: the record holds all that it says. */
async function loadRun(record: RunRecord, store: Store): Promise<Run> {
  const { file } = record;
  const journal = await openJournal(store, file.run);
  if (journal.entries().length === 0)
    await journal.append(0, { fact: 'run.opened', run: file.run, ...record });
  return createRun(file, journal);
}

async function checkRun(file: RunFile): Promise<Truncated> {
  const problems: string[] = [];
  const note = (error: unknown): void => {
    if (!(error instanceof PermanentError)) throw error;
    problems.push(error.message);
  };
  const paths = [
    ...file.datasets.flatMap(({ train = [], dev = [], test = [] }) => [...train, ...dev, ...test]),
    ...file.start.flatMap(({ rows = [] }) => rows),
  ];
  const relative = paths.filter((path) => !isAbsolute(path));
  if (relative.length > 0)
    problems.push(
      `data paths must be absolute here, as the curator sees them: ${relative.join(', ')}`,
    );
  try {
    checkJudges(file);
  } catch (error) {
    note(error);
  }
  for (const stage of file.start)
    if (stage.rows !== undefined) await readStageRows(file, stage, '/').catch(note);
  const datasets = await loadDatasets(file, '/').catch(note);
  if (problems.length > 0 || datasets === undefined) throw new PermanentError(problems.join('\n'));
  return truncate(file, datasets);
}

function* exampleWrites(
  run: string,
  { datasets, refused, shortened }: Truncated,
): Generator<Write> {
  for (const example of refused) yield put(tables.example, `${run}/${example.id}`, example);
  for (const [id, one] of shortened) yield put(tables.shortened, `${run}/${id}`, one);
  for (const { name, splits } of datasets)
    for (const [split, examples] of Object.entries(splits)) {
      for (const example of examples) yield put(tables.example, `${run}/${example.id}`, example);
      const ids = examples.map(({ id }) => id);
      yield put(tables.part, `${run}/${name}/${split}`, ids);
    }
}

function* inChunks(writes: Iterable<Write>): Generator<Write[]> {
  let chunk: Write[] = [];
  for (const write of writes) {
    chunk.push(write);
    if (chunk.length < ROWS_AT_ONCE) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
