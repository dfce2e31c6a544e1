import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { textsAsked } from '../../../agents/curator/step/unit.ts';
import { sliceOf } from '../../../shared/contract/ids.ts';
import { TrainingRow } from '../../../shared/contract/training.ts';
import { filesIn } from '../../support/drill/evidence.ts';
import { type Evidence, factsOf, places, type RunEvidence } from './evidence.ts';
import { finder, type Violation } from './violation.ts';

/** I2: an item counts once. One outcome a candidate, one verdict a text and judge, one selection an example, one row an example. */
export async function checkCounting({ runs, state }: Evidence): Promise<Violation[]> {
  const rows = await Promise.all(runs.map((run) => checkRows(run, places(state).datasets)));
  return [...runs.flatMap(checkOutcomes), ...rows.flat()];
}

function checkOutcomes(run: RunEvidence): Violation[] {
  const { found, expect } = finder('I2');
  const once = (where: string, items: readonly string[], planned: ReadonlySet<string>): void => {
    const seen = new Set<string>();
    for (const item of items) {
      expect(!seen.has(item), () => `${run.name}: ${where} counts ${item} twice`);
      expect(planned.has(item), () => `${run.name}: ${where} has ${item}, which is not asked for`);
      seen.add(item);
    }
  };
  for (const [unit, sample] of run.samples) {
    const examples = new Set(run.plan.get(unit)?.examples);
    once(
      `the samples of ${unit}`,
      sample.items.map(({ example }) => example),
      examples,
    );
    const candidates = sample.items.flatMap(({ generations }) =>
      generations.map(({ candidate }) => candidate),
    );
    once(`the samples of ${unit}`, candidates, new Set(candidates));
  }
  for (const [key, { items }] of run.verdicts) {
    const { slice, at } = sliceOf(key.slice(key.indexOf('/') + 1));
    const { file } = run.record;
    const judge = file.judges.find(({ name }) => key.startsWith(`${name}/`));
    const [sample, planned] = [run.samples.get(slice), run.plan.get(slice)];
    const only = at === null ? undefined : planned?.examples[at];
    const texts = (
      sample === undefined || planned === undefined || judge === undefined
        ? []
        : textsAsked(judge, file.select, planned, sample)
    ).filter(({ example }) => only === undefined || example === only);
    const asked = texts.flatMap(({ example, keys }) => keys.map((text) => `${example} ${text}`));
    const answered = items.flatMap(({ example, verdicts }) =>
      verdicts.map(({ text }) => `${example} ${text}`),
    );
    once(`verdict row ${key}`, answered, new Set(asked));
  }
  return found;
}

/** Rows of every sealed dataset of a round, each example once. */
async function checkRows(run: RunEvidence, datasets: string): Promise<Violation[]> {
  const { found, expect } = finder('I2');
  for (const fact of factsOf(run)) {
    if (fact.fact !== 'dataset.sealed') continue;
    const folder = join(datasets, fact.dataset);
    const seen = new Set<string>();
    let rows = 0;
    for (const name of filesIn(folder).filter((file) => file.endsWith('.jsonl')))
      for (const line of (await readFile(join(folder, name), 'utf8')).split('\n')) {
        const row = TrainingRow.safeParse(jsonOf(line)).data;
        if (row === undefined) continue;
        const key = `${row.dataset} ${row.id}`;
        expect(
          !seen.has(key),
          () => `${run.name}: the dataset of ${fact.step} has row ${key} twice`,
        );
        seen.add(key);
        rows += 1;
      }
    expect(
      rows === fact.rows,
      () => `${run.name}: the dataset of ${fact.step} has ${rows} rows, its fact says ${fact.rows}`,
    );
  }
  return found;
}

/** A damaged line is found by I4; here it is no row. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
