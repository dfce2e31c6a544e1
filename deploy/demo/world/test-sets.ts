import { resolve } from 'node:path';
import type { DatasetKind } from '../../../shared/contract/example.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';

/** A test set of a run on a world. */
export interface TestSet {
  readonly name: string;
  readonly kind: DatasetKind;
  /** Seen ones have a train part. `shown` ones are in no mean, such as questions in new wordings. */
  readonly place: 'seen' | 'unseen' | 'shown';
  /** Its files, absolute. */
  readonly files: readonly string[];
}

/** The test sets of a run file whose relative paths start at `folder`. */
export function testSetsOf({ datasets }: Pick<RunFile, 'datasets'>, folder: string): TestSet[] {
  return datasets.flatMap(({ name, kind, train, test, shown }) => {
    if (test === undefined) return [];
    const place = train !== undefined ? 'seen' : shown === true ? 'shown' : 'unseen';
    const files = test.map((file) => resolve(folder, file));
    return { name, kind, place, files };
  });
}
