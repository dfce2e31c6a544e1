import type { Split } from '../../../shared/contract/ids.ts';
import type { Select } from '../../../shared/contract/run-file.ts';
import type { Generation } from '../../../shared/contract/work.ts';

/**
 * Whether the selection of an example is certain whatever its judges say: all texts that it has are the same, and nothing reads their
 * score. A judge with an engine behind it is not asked about such an example, for its call would cost and change nothing.
 */
export function isCertain(
  { minScore, keep }: Select,
  split: Split,
  generations: readonly Generation[],
): boolean {
  if (split !== 'train' || minScore !== undefined || keep !== undefined) return false;
  const [first, ...others] = generations.flatMap((one) =>
    one.outcome === 'generated' ? one.text : [],
  );
  return first !== undefined && others.every((text) => text === first);
}
