/**
 * Train against dev and test (reliability.md J-LEAK): an evaluation row whose prompt, or whose context, is trained on tells
 * nothing. Compared over all datasets of the run, whatever a row's references, without regard to white space.
 */
import type { Example } from '../../../shared/contract/example.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import type { Problems } from './problems.ts';

/** An example with the place of its row, `file:line`, and its group: taken when it is read, for it takes a while and rows are many. */
export interface PlacedExample {
  readonly place: string;
  readonly example: Example;
  readonly group: string;
}

/** Equal for rows that ask for the same, whatever their references. */
export function promptKey({ instruction, history, context, question }: Example): string {
  const earlier = history?.flatMap(({ prompt, completion }) => [prompt, completion]) ?? [];
  return digestOf(
    [instruction, context, question, ...earlier].map((text) => comparable(text ?? '')),
  );
}

/** Equal for rows that must not be in train and in dev or test: the context, or the prompt where there is none. */
export function groupKey(example: Example): string {
  return example.context === null ? promptKey(example) : digestOf(comparable(example.context));
}

/** Refuses, with the place of both rows, dev and test rows that share prompt or context with train, and test prompts that dev has. */
export function checkLeakage(
  train: Iterable<PlacedExample>,
  dev: readonly PlacedExample[],
  test: readonly PlacedExample[],
  problems: Problems,
): void {
  const trained = new Map(Array.from(train, (row) => [row.group, row]));
  for (const { place, example, group } of [...dev, ...test]) {
    const other = trained.get(group);
    if (other === undefined) continue;
    const shared = promptKey(example) === promptKey(other.example) ? 'prompt' : 'context';
    problems.add(
      `${place}: this row to evaluate on has the ${shared} of ${other.place}, which is trained on; remove one of them`,
    );
  }
  // Rows of one prompt are of one group.
  const tested = new Set(test.map(({ group }) => group));
  const shared = dev.filter(({ group }) => tested.has(group));
  const decided = new Map(shared.map(({ place, example }) => [promptKey(example), place]));
  const groups = new Set(shared.map(({ group }) => group));
  for (const { place, example, group } of test) {
    const other = groups.has(group) ? decided.get(promptKey(example)) : undefined;
    if (other !== undefined)
      problems.add(`${place}: this test row has the prompt of the dev row ${other}; remove one`);
  }
}

function comparable(text: string): string {
  return text.normalize('NFC').replace(/\s+/gu, ' ').trim();
}
