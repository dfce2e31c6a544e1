/** The rank of each value, from 1 for the smallest; equal values share the mean of their ranks, which is whole or a half. */
export function averageRanks(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => at(values, a) - at(values, b));
  const ranks = Array<number>(values.length);
  let start = 0;
  while (start < order.length) {
    const value = at(values, at(order, start));
    let end = start + 1;
    while (end < order.length && at(values, at(order, end)) === value) end += 1;
    for (const row of order.slice(start, end)) ranks[row] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN;
}
