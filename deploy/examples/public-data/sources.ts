/** The public data sets of the example, as files of one form: what each row becomes, or why it is refused. */
import { z } from 'zod';
import type { Constraint } from '../../../shared/contract/constraint.ts';
import { DatasetKind } from '../../../shared/contract/example.ts';
import { sha256 } from '../../../shared/contract/ids.ts';

/** One line of a source file. Further keys, such as where it was taken from, are ignored. */
export const SourceRow = z.object({
  id: z.string().min(1),
  kind: DatasetKind,
  instruction: z.string().nullable(),
  context: z.string().nullable(),
  question: z.string().nullable(),
  references: z.array(z.string()),
  meta: z.object({ history: z.array(z.unknown()).optional() }),
});
export type SourceRow = z.infer<typeof SourceRow>;

/** A row as a run reads it (design §10). */
export interface ExampleRow {
  id: string;
  instruction: string | null;
  context: string | null;
  question: string | null;
  references: readonly string[];
  constraints?: readonly Constraint[];
}

/** Why a row is no example of a run. */
export type Refusal = 'context' | 'later-turn' | 'no-answer' | 'other-kind';
export type Part = 'train' | 'test';

export type Taken = { dataset: string; part: Part; row: ExampleRow } | { refused: Refusal };

/** A file of `datasets/`, and the datasets of the run that take its rows, by kind. */
export interface Source {
  file: string;
  into: Partial<Record<DatasetKind, string>>;
  /** Evaluated on only. */
  unseen?: true;
}

/**
 * The instruction data of RESET is one dataset of several sources (paper, Table 1). Of its sources ShareGPT is missing here, and of the
 * datasets with passages MS MARCO, so no question that wants a sentence for an answer is trained on; BioASQ has such questions, unseen.
 */
export const sources: readonly Source[] = [
  { file: 'dolly', into: { instruction: 'instruct' } },
  { file: 'self_instruct_seed', into: { instruction: 'instruct' } },
  { file: 'self_instruct_user_oriented', into: { instruction: 'instruct' } },
  { file: 'oasst1', into: { instruction: 'instruct' } },
  { file: 'nq', into: { extractive_qa: 'nq' } },
  { file: 'cnn_dailymail', into: { summarization: 'cnn' } },
  {
    file: 'bioasq',
    into: { extractive_qa: 'bioasq-span', abstractive_qa: 'bioasq-abs' },
    unseen: true,
  },
  { file: 'xsum', into: { summarization: 'xsum' }, unseen: true },
];

/** Share of the rows of a seen dataset that is its test part. */
const TEST_SHARE = 0.1;

/** What becomes of a row: an example of a dataset, or nothing for a reason. */
export function take(row: SourceRow, { into, unseen }: Source): Taken {
  const dataset = into[row.kind];
  if (dataset === undefined) return { refused: 'other-kind' };
  const references = row.references.filter((reference) => reference.trim() !== '');
  if (references.length === 0) return { refused: 'no-answer' };
  const { id, kind, instruction, context, question } = row;
  const part = unseen === true ? 'test' : partOf(row);
  if (kind !== 'instruction')
    // The sentence that asks for a summary is the run's own (paper, Table 3), the same for all sources.
    return { dataset, part, row: { id, instruction: null, context, question, references } };
  // Instructions that come with a passage are not for this dataset (paper, 2.1), and a later turn of a dialogue is no prompt by itself.
  if ((context ?? '').trim() !== '') return { refused: 'context' };
  if ((row.meta.history ?? []).length > 0) return { refused: 'later-turn' };
  const constraints = constraintsOf(references);
  return {
    dataset,
    part,
    row: { id, instruction, context: null, question, references, constraints },
  };
}

/** The same for rows of one passage, or of one prompt where there is none, in whichever file they are. */
function partOf({ context, instruction }: SourceRow): Part {
  const shared = (context ?? '').trim() === '' ? (instruction ?? '') : (context ?? '');
  const digest = sha256(shared.normalize('NFC').replace(/\s+/gu, ' ').trim());
  return Number.parseInt(digest.slice(0, 8), 16) / 2 ** 32 < TEST_SHARE ? 'test' : 'train';
}

/** What a program can ask of any answer: to be English, and not to go on for more than twice the words of the longest reference. */
function constraintsOf(references: readonly string[]): Constraint[] {
  const words = references.map((reference) => reference.split(/\s+/u).filter(Boolean).length);
  return [
    { type: 'language', code: 'en' },
    { type: 'word_count', max: 2 * Math.max(...words) },
  ];
}
