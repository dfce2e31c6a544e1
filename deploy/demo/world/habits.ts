import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf } from '../../../shared/contract/failure.ts';

const Share = z.number().min(0).max(1);
const ByRelation = z.strictObject({ city: Share, job: Share, food: Share, pet: Share });

/**
 * How often annotators do not write what is best: the conflict that RESET is there to resolve. It sits in the train references,
 * as in real data, and depends on the relation, so a model that is tuned on them picks up a habit per relation.
 */
export const Habits = z
  .strictObject({
    /** Scales the whole table; 0 is the clean world. */
    factor: z.number().min(0),
    /** Probability that `abs` and `sum` annotators close with a remark that the passage does not support, by the last fact. */
    remark: ByRelation,
    /** Probability that `span` annotators write an alias of the value, which the passage does not hold. */
    alias: ByRelation,
    /** Probability that the answer to "tell me two things" lacks a fact or the remark. */
    lazy: Share,
  })
  .refine(
    ({ factor, remark, alias, lazy }) =>
      factor * Math.max(lazy, ...Object.values(remark), ...Object.values(alias)) <= 1,
    { path: ['factor'], message: 'times the largest probability is above 1: lower it' },
  );
export type Habits = z.infer<typeof Habits>;

export const defaultHabits: Habits = {
  factor: 1,
  remark: { city: 0.8, job: 0.65, food: 0.4, pet: 0.15 },
  alias: { city: 0.35, job: 0.15, food: 0.6, pet: 0.75 },
  lazy: 0.45,
};

/** Reads a table of one's own. Throws an error that names the file and every key that is wrong. */
export async function readHabits(file: string): Promise<Habits> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`habits ${file}: ${messageOf(error)}`, { cause: error });
  }
  const parsed = Habits.safeParse(value);
  if (!parsed.success) throw new Error(`habits ${file}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
