import type { Constraint } from '../../../shared/contract/constraint.ts';

/** One line of a dataset file (design.md §10): what a user would write for data of his own. */
export interface ExampleRow {
  id: string;
  instruction: string | null;
  context: string | null;
  question: string | null;
  references: readonly string[];
  constraints?: readonly Constraint[];
}

/** Draws rows until `count` different ones (by `keyOf`) are there; says so when the world is too small for that. */
export function distinct<T>(count: number, keyOf: (row: T) => string, draw: () => T): T[] {
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
