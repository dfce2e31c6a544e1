import type { Work } from '../../../shared/contract/work.ts';
import { sliceOf } from '../../../shared/contract/ids.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { comparesCheckpoints } from '../../../shared/contract/judge-options.ts';
import type { Store } from '../../../shared/store/store.ts';
import type { StoredSample } from '../ledger/tables.ts';
import { readExamples } from '../ledger/units.ts';
import { readOpponents } from '../pairs/opponents.ts';
import { judgeUnit, sampleUnit } from '../plan/requests.ts';
import { boardOf, type Run } from '../run.ts';
import { plannedRequests } from './score-unit.ts';
import { recordsOf } from './records.ts';
import { isGenerated } from './unit.ts';

/**
 * A unit as its queue's workers get it, made from the ledger: for sampling the requests that have no text yet, for a judge all
 * that it is asked, of the slice or of the one example that the unit is. Undefined where there is nothing to do, such as a unit of a task that has ended.
 */
export async function workOf(
  run: Run,
  queue: string,
  unit: string,
  store: Store,
): Promise<Work | undefined> {
  const board = boardOf(run, unit);
  const { slice, at } = sliceOf(unit);
  const planned = board?.units.get(slice);
  if (board === undefined || planned === undefined || board.record.checkpoint === null) return;
  const { sample } = await recordsOf(run, board, planned, store);
  const ids = at === null ? planned.examples : planned.examples.slice(at, at + 1);
  const examples = await readExamples(store, run.name, ids);
  if (queue === 'sample') {
    const task = { ...board.record, checkpoint: board.record.checkpoint };
    const requestsOf = (example: string) => plannedRequests(run.file, task, planned, example);
    const window = windowInUse(run);
    const work = sampleUnit(run.file, task.checkpoint, planned, examples, requestsOf, window);
    return sample === undefined ? work : withoutAnswered(work, sample);
  }
  const judge = run.file.judges.find(({ name }) => name === queue);
  if (judge === undefined)
    throw new PermanentError(`run ${run.name} has no judge ${queue}: its queue does not exist`);
  if (sample === undefined) return;
  const generations = new Map(sample.items.map((item) => [item.example, item.generations]));
  const opponentOf = comparesCheckpoints(judge)
    ? await readOpponents(run, judge, planned, store)
    : undefined;
  const sampled = examples.map((example) => ({
    example,
    generations: generations.get(example.id) ?? [],
    opponent: opponentOf?.(example)?.text,
  }));
  const since = board.record.trustedFrom?.[judge.name];
  return judgeUnit(run.file, { ...planned, unit }, judge, sampled, since);
}

/** What the prompts of a run were shortened to; undefined where none was. */
function windowInUse({ journal }: Run): number | undefined {
  const opened = journal.entries()[0]?.fact;
  const truncation = opened?.fact === 'run.opened' ? opened.truncation : undefined;
  const counts = Object.values(truncation?.datasets ?? {});
  return counts.some(({ shortened }) => shortened > 0) ? truncation?.window : undefined;
}

function withoutAnswered(
  work: ReturnType<typeof sampleUnit>,
  { items }: StoredSample,
): Work | undefined {
  const answered = new Set(
    items.flatMap(({ generations }) =>
      generations.filter(isGenerated).map(({ candidate }) => candidate),
    ),
  );
  const left = work.items
    .map((item) => ({
      ...item,
      requests: item.requests.filter(({ candidate }) => !answered.has(candidate)),
    }))
    .filter(({ requests }) => requests.length > 0);
  return left.length === 0 ? undefined : { ...work, items: left };
}
