/**
 * Which cells of a family get how many of its requests, by how often they won in the round before (`sampling.reallocate`).
 *
 * R1. An example has as many requests as without it.
 * R2. A cell's share is floor + (1 − n · floor) · rate / (sum of the rates), n cells in the family; equal shares where no cell has won.
 * R3. Shares become whole requests by systematic sampling (Madow, 1949): with one random offset an example, a cell of share p has
 *     ⌊np⌋ or ⌈np⌉ of the n requests, and np on average over the examples. So the floor holds for a round, not for each example.
 */
import type { Fact } from '../../../shared/contract/facts.ts';
import type { Random } from '../../../shared/contract/random.ts';

/** Share of a cell's candidates whose text was kept, by cell. */
export type WinRates = Readonly<Record<string, number>>;

/** The rates of the last round that sealed a dataset; null before there is one. Rates, not wins: a cell that got more requests wins more. */
export function lastWinRates(journal: readonly Fact[]): WinRates | null {
  const sealed = journal.findLast(
    (fact) => fact.fact === 'dataset.sealed' && Object.keys(fact.cells).length > 0,
  );
  if (sealed?.fact !== 'dataset.sealed') return null;
  return Object.fromEntries(
    Object.entries(sealed.cells).map(([name, { candidates, wins }]) => [name, wins / candidates]),
  );
}

/** The family with each cell as often as it gets a request, in grid order. `floor` is at most 1 / the number of its cells. */
export function reallocate<TCell extends { readonly name: string }>(
  family: readonly TCell[],
  rates: WinRates,
  floor: number,
  random: Random,
): TCell[] {
  const own = family.map(({ name }) => rates[name] ?? 0);
  const sum = own.reduce((total, rate) => total + rate, 0);
  if (sum === 0) return [...family];
  const n = family.length;
  const offset = random.next();
  let end = 0;
  let given = 0;
  return family.flatMap((cell, index) => {
    end += n * (floor + (1 - n * floor) * ((own[index] ?? 0) / sum));
    // The shares sum to 1, and their rounding must not cost a request.
    const upTo = index === n - 1 ? n : Math.min(n, Math.ceil(end - offset));
    const requests = Math.max(0, upTo - given);
    given += requests;
    return Array.from({ length: requests }, () => cell);
  });
}
