/**
 * Means and differences over seeds.
 *
 * S1. A dataset of a seed is one stratum, and strata count the same: a figure is the mean over seeds of the mean over datasets.
 * S2. Bounds are bootstrap 95 % bounds over rows within strata; differences are of the same rows. They say how sure the rows are,
 *     not how far another seed would be.
 * S3. A row without a value is left out, on both sides of a difference.
 */
import type { Difference, Estimate } from '../../../shared/contract/facts.ts';
import { randomFrom } from '../../../shared/contract/random.ts';
import { bootstrapDifference, bootstrapMean } from '../../../shared/scoring/bootstrap.ts';
import type { TestSet } from '../world/test-sets.ts';

export type Measure = 'faithfulness' | 'oracle' | 'instruction' | 'task';

/** Test values of one dataset under one seed's checkpoint, ordered by example. */
export interface Part {
  readonly seed: number;
  readonly dataset: TestSet;
  readonly measure: Measure;
  readonly examples: readonly string[];
  readonly values: readonly number[];
}

const isContext = ({ kind }: TestSet): boolean => kind !== 'instruction';
const isExtractive = ({ kind }: TestSet): boolean => kind === 'extractive_qa';
const inMean = ({ place }: TestSet): boolean => place !== 'shown';

/** What a column is a mean of. Abstractive and extractive sets are seen and unseen ones; task and exact match are of the seen ones. */
export const columns = {
  'faithfulness seen': column('faithfulness', (set) => set.place === 'seen'),
  'faithfulness unseen': column('faithfulness', (set) => set.place === 'unseen'),
  abstractive: column('faithfulness', (set) => inMean(set) && isContext(set) && !isExtractive(set)),
  extractive: column('faithfulness', (set) => inMean(set) && isExtractive(set)),
  'new wordings': column('faithfulness', (set) => set.place === 'shown'),
  instruction: column('instruction', (set) => set.place === 'seen'),
  task: column('task', (set) => set.place === 'seen'),
  'exact match': column('task', (set) => set.place === 'seen' && isExtractive(set)),
} as const;
export type Column = keyof typeof columns;
export const columnNames = Object.keys(columns) as Column[];

function column(measure: Measure, includes: (set: TestSet) => boolean) {
  return { measure, includes };
}

const RESAMPLES = 1000;

/** The mean of a column with its bounds; null where there is no value. `measure` replaces the column's own, such as by the oracle. */
export function estimateOf(
  parts: readonly Part[],
  name: Column,
  measure: Measure = columns[name].measure,
): Estimate | null {
  const strata = partsOf(parts, name, measure).map((part) => ({
    dataset: nameOf(part),
    values: part.values,
  }));
  if (strata.length === 0) return null;
  return bootstrapMean(strata, {
    resamples: RESAMPLES,
    random: randomFrom('reproduce', name, measure),
  });
}

/** `after` − `before` in a column, with its bounds; null where no row has both. */
export function differenceOf(
  before: readonly Part[],
  after: readonly Part[],
  name: Column,
  measure: Measure = columns[name].measure,
): Difference | null {
  const earlier = new Map(partsOf(before, name, measure).map((part) => [nameOf(part), part]));
  const strata = partsOf(after, name, measure).flatMap((part) => {
    const was = earlier.get(nameOf(part));
    const pairs = was === undefined ? [] : pairsOf(was, part);
    if (pairs.length === 0) return [];
    return {
      dataset: nameOf(part),
      before: pairs.map(([value]) => value),
      after: pairs.map(([, value]) => value),
    };
  });
  if (strata.length === 0) return null;
  return bootstrapDifference(strata, {
    resamples: RESAMPLES,
    random: randomFrom('reproduce', 'difference', name, measure),
  });
}

function pairsOf(before: Part, after: Part): [number, number][] {
  const earlier = new Map(before.examples.map((example, at) => [example, before.values[at]]));
  return after.examples.flatMap((example, at): [number, number][] => {
    const [was, is] = [earlier.get(example), after.values[at]];
    return was === undefined || is === undefined ? [] : [[was, is]];
  });
}

function partsOf(parts: readonly Part[], name: Column, measure: Measure): Part[] {
  return parts.filter(
    (part) =>
      part.measure === measure && columns[name].includes(part.dataset) && part.values.length > 0,
  );
}

function nameOf({ seed, dataset }: Part): string {
  return `${seed}/${dataset.name}`;
}
