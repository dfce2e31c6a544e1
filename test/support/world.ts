import { defaultHabits } from '../../deploy/demo/world/habits.ts';
import type { Split } from '../../deploy/demo/world/passages.ts';
import type { Population } from '../../deploy/demo/world/population.ts';
import { drawsFor } from '../../deploy/demo/world/random.ts';
import type { Part } from '../../deploy/demo/world/rows.ts';

/** A part of 60 rows of the demo's world; those of dev and test are a drill's. */
export function partOf(name: string, split: Split, population: Population, factor = 1): Part {
  const draws = drawsFor(population.seed, `${name}/${split}`);
  return { population, split, count: 60, habits: { ...defaultHabits, factor }, draws };
}

/** What stands in more than one of the sets. */
export function inTwo(...sets: readonly ReadonlySet<string>[]): string[] {
  const seen = new Set<string>();
  return sets.flatMap((set) => {
    const again = [...set].filter((item) => seen.has(item));
    for (const item of set) seen.add(item);
    return again;
  });
}
