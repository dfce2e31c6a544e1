import type { Relation } from './words.ts';

/**
 * How often an annotator of a context dataset does not stay with the passage: the conflict that RESET is there to resolve.
 * It sits in the references, as in real data, and depends on the relation, so a model that is tuned on them picks up a
 * habit per relation. `factor` scales the whole table; 0 is the clean world.
 */
export interface Habits {
  factor: number;
  /** Probability that `span` annotators write an alias of the value, which the passage does not hold. */
  alias: Readonly<Record<Relation, number>>;
}

export const defaultHabits: Habits = {
  factor: 1,
  alias: { city: 0.35, job: 0.15, food: 0.6, pet: 0.75 },
};
