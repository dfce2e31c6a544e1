import type { Explanation } from '../../shared/contract/explanation.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { Example } from '../../shared/contract/example.ts';
import { textId } from '../../shared/contract/ids.ts';
import type { Store } from '../../shared/store/store.ts';
import { renderPrompt } from './dataset/template.ts';
import { read, scan, tables, type TaskRecord } from './ledger/tables.ts';
import { readUnit } from './ledger/units.ts';
import { readOpponents, stepOfOpponent } from './pairs/opponents.ts';
import type { PlannedUnit } from './plan/cut.ts';
import type { Run } from './run.ts';
import { scoreUnit } from './step/score-unit.ts';
import type { UnitRecords } from './step/unit.ts';

type ExplainedStep = Explanation['steps'][number];

/**
 * All that the ledger knows of one example, given by its id or a unique start of it; by '', one of the last round whose candidates differ.
 * PermanentError where there is none, or several.
 */
export async function explain(run: Run, id: string, store: Store): Promise<Explanation> {
  const example = await findExample(run, id === '' ? await tellingExample(run, store) : id, store);
  const steps: ExplainedStep[] = [];
  for await (const [, task] of scan(store, tables.task, `${run.name}/`))
    for (const split of task.task === 'curate' ? ['train'] : ['dev', 'test'])
      for await (const [, unit] of scan(store, tables.plan, `${run.name}/${task.step}/${split}/`))
        if (unit.examples.includes(example.id))
          steps.push(...(await explainUnit(run, example, task, unit, store)));
  const shortened = (await read(store, tables.shortened, `${run.name}/${example.id}`)) ?? null;
  return { example, shortened, steps };
}

async function findExample(run: Run, id: string, store: Store): Promise<Example> {
  const found: Example[] = [];
  if (!/^[0-9a-f]{4,32}$/.test(id))
    throw new PermanentError(`"${id}" is no example's id: at least its first 4 hex digits`);
  for await (const [, example] of scan(store, tables.example, `${run.name}/${id}`)) {
    found.push(example);
    if (found.length > 1)
      throw new PermanentError(`several examples of ${run.name} begin with ${id}; give more of it`);
  }
  const [example] = found;
  if (example !== undefined) return example;
  throw new PermanentError(`run ${run.name} has no example ${id}`);
}

/** Of the last round with selections, the first example that was kept for a reason: another text scored less. */
async function tellingExample(run: Run, store: Store): Promise<string> {
  const rounds = run.journal
    .entries()
    .flatMap(({ fact }) => (fact.fact === 'round.opened' ? [fact.step] : []));
  for (const step of rounds.reverse()) {
    let any: string | undefined;
    for await (const [key, { margin }] of scan(store, tables.selection, `${run.name}/${step}/`)) {
      any ??= exampleOf(key);
      if (margin !== null && margin > 0) return exampleOf(key);
    }
    if (any !== undefined) return any;
  }
  throw new PermanentError(`run ${run.name} has kept no candidate yet; name an example by its id`);
}

function exampleOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

async function explainUnit(
  run: Run,
  example: Example,
  { step, checkpoint, winRates }: TaskRecord,
  unit: PlannedUnit,
  store: Store,
): Promise<ExplainedStep[]> {
  if (checkpoint === null) return [];
  const { name, file } = run;
  const records = await readUnit(store, name, unit, run.judgesOf(unit));
  const scored = scoreUnit(file, example.kind, { step, checkpoint, winRates }, records);
  const candidates = scored.find((one) => one.example === example.id)?.candidates ?? [];
  const kept = await read(store, tables.selection, `${name}/${step}/${example.id}`);
  const selection =
    kept === undefined || unit.split !== 'train'
      ? null
      : { candidate: kept.candidate, reason: kept.reason, margin: kept.margin, tied: kept.tied };
  return [
    {
      step,
      split: unit.split,
      checkpoint,
      prompt: renderPrompt(file.model, example),
      opponents: await opponentsOf(run, example, unit, store),
      candidates: candidates.map(
        ({ candidate, cells, text, failure, verdicts, arithmetic, score }) => ({
          candidate,
          text,
          failure,
          verdicts,
          cached: text === null ? [] : cachedBy(records, example.id, textId(text)),
          arithmetic,
          score,
          cells: [...cells],
        }),
      ),
      selection,
    },
  ];
}

/** What each judge that compares checkpoints compared the candidates with. */
async function opponentsOf(
  run: Run,
  example: Example,
  unit: PlannedUnit,
  store: Store,
): Promise<ExplainedStep['opponents']> {
  const opponents: ExplainedStep['opponents'] = {};
  for (const judge of run.judgesOf(unit)) {
    const step = stepOfOpponent(run.journal, judge, unit);
    const opponent = (await readOpponents(run, judge, unit, store))?.(example);
    if (step !== undefined && opponent !== undefined)
      opponents[judge.name] = { step, text: opponent.text };
  }
  return opponents;
}

/** The judges whose verdict on a text was found in a cache. */
function cachedBy({ verdicts }: UnitRecords, example: string, text: string): string[] {
  return Array.from(verdicts, ([judge, rows]) => {
    const items = rows.flatMap((row) => row.items.filter((item) => item.example === example));
    const found = items.flatMap((item) => item.verdicts).find((one) => one.text === text);
    return found?.cached === true ? [judge] : [];
  }).flat();
}
