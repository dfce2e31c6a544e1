/** A statistic of how far two judges agree: over how many rows, and its value; null where it is undefined, never a number. */
export interface Agreement {
  readonly n: number;
  readonly value: number | null;
}

/** Throws RangeError where two columns are not of the same rows. */
export function checkPaired(left: readonly unknown[], right: readonly unknown[]): void {
  if (left.length !== right.length)
    throw new RangeError(
      `${left.length} values against ${right.length}: they must be of the same rows`,
    );
}

/** Throws RangeError for NaN, which has no place in an order, and for the infinite, which is no distance away. */
export function checkFinite(values: readonly (number | string)[]): void {
  const bad = values.find((value) => typeof value === 'number' && !Number.isFinite(value));
  if (bad !== undefined) throw new RangeError(`${bad} is no value to compare: leave its row out`);
}
