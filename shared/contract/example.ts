import { z } from 'zod';
import { Constraint } from './constraint.ts';
import { Id, ShortDigest } from './ids.ts';

export const DatasetKind = z.enum([
  'instruction',
  'extractive_qa',
  'abstractive_qa',
  'summarization',
]);
export type DatasetKind = z.infer<typeof DatasetKind>;

/** Context rows have a passage to be faithful to; instruction rows have none (paper, Table 1). */
export function isContextKind(kind: DatasetKind): boolean {
  return kind !== 'instruction';
}

/** What was said and answered before, the earliest first. */
export const History = z
  .array(z.strictObject({ prompt: z.string(), completion: z.string() }))
  .min(1);
export type History = z.infer<typeof History>;

/** One line of a user's JSONL (design §10); null where a field does not apply. Further keys are ignored. */
export const Row = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  instruction: z.string().nullish(),
  /** Of an instruction that goes on with a conversation. */
  history: z
    .union([History, z.tuple([])])
    .nullish()
    .transform((turns) => (turns?.length ? turns : undefined)),
  context: z.string().nullish(),
  question: z.string().nullish(),
  references: z
    .array(z.string())
    .nullish()
    .transform((references) => references ?? []),
  constraints: z
    .array(Constraint)
    .nullish()
    .transform((constraints) => constraints ?? undefined),
});
export type Row = z.infer<typeof Row>;

/** A row with its identity, as the ledger holds it and as judges receive it. */
export const Example = z.strictObject({
  id: ShortDigest,
  dataset: Id,
  kind: DatasetKind,
  instruction: z.string().nullable(),
  history: History.optional(),
  context: z.string().nullable(),
  question: z.string().nullable(),
  references: z.array(z.string()),
  constraints: z.array(Constraint).optional(),
});
export type Example = z.infer<typeof Example>;
