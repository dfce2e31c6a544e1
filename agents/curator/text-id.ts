import { textId } from '../../shared/contract/ids.ts';
import type { Generation } from '../../shared/contract/work.ts';

type Generated = Extract<Generation, { outcome: 'generated' }>;

const known = new WeakMap<Generated, string>();

/** The `textId` of a generation, hashed once: each judge's unit, each answer and the selection ask for it. */
export function textIdOf(generation: Generated): string {
  const before = known.get(generation);
  if (before !== undefined) return before;
  const id = textId(generation.text);
  known.set(generation, id);
  return id;
}
