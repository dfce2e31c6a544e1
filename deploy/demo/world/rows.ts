import type { Constraint } from '../../../shared/contract/constraint.ts';
import type { Habits } from './habits.ts';
import type { Split } from './passages.ts';
import type { Population } from './population.ts';
import type { Draws } from './random.ts';

/** One line of a dataset file (design.md §10): what a user would write for data of his own. */
export interface ExampleRow {
  id: string;
  instruction: string | null;
  context: string | null;
  question: string | null;
  references: readonly string[];
  constraints?: readonly Constraint[];
}

/** What the rows of one part are made from. Train references are written by `habits`; all others are clean. */
export interface Part {
  population: Population;
  split: Split;
  count: number;
  habits: Habits;
  draws: Draws;
}

/** `part.count` rows with different prompts. */
export function rowsOf(
  name: string,
  { split, count }: Part,
  draw: () => Omit<ExampleRow, 'id'>,
): ExampleRow[] {
  const rows = distinct(
    count,
    ({ instruction, context, question }) => JSON.stringify([instruction, context, question]),
    draw,
  );
  return rows.map((row, index) => ({ id: `${name}-${split}-${index}`, ...row }));
}

/** Whether a train reference strays from the best one, which happens with `probability` at factor 1. */
export function strays({ split, habits, draws }: Part, probability: number): boolean {
  return split === 'train' && draws.chance(habits.factor * probability);
}

/** Draws rows until `count` different ones (by `keyOf`) are there; says so when the world is too small for that. */
function distinct<T>(count: number, keyOf: (row: T) => string, draw: () => T): T[] {
  const rows = new Map<string, T>();
  for (let tries = 0; rows.size < count; tries += 1) {
    if (tries > 200 * count)
      throw new RangeError(
        `only ${rows.size} different rows in this world, ${count} were asked for`,
      );
    const row = draw();
    rows.set(keyOf(row), rows.get(keyOf(row)) ?? row);
  }
  return [...rows.values()];
}
