import { z } from 'zod';
import { Row } from '../../../shared/contract/example.ts';
import type { JudgedRow } from '../types/judge.ts';

export interface Labelled {
  readonly answer: string;
  readonly label: number;
  readonly by: 'people' | 'program';
}

/** A row whose context is planted into, and an answer with what people say of it, in [0, 1], where it has both. */
export interface CheckedRow {
  readonly row: JudgedRow;
  readonly labelled: Labelled | null;
  /** An answer that is true, and not by this context. */
  readonly trueElsewhere?: string | undefined;
}

const share = z.number().min(0).max(1);

/**
 * A line of the user's file: a row of design §10 with `answer` and `label`, or with `system_output` and `human_consistency`, as data sets
 * of human labels call them. A row without a label is planted into only. `trueElsewhere` is an answer that is true, but not by its context; `labelledBy`
 * says where a program, such as an oracle, labelled.
 */
export const LabelledRow = Row.extend({
  answer: z.string().optional(),
  label: share.optional(),
  system_output: z.string().optional(),
  human_consistency: share.optional(),
  /** What an answer is compared with by a judge that compares checkpoints. */
  opponent: z.string().optional(),
  trueElsewhere: z.string().min(1).optional(),
  labelledBy: z.enum(['people', 'program']).default('people'),
}).transform((line, context): CheckedRow => {
  const answer = line.answer ?? line.system_output;
  const label = line.label ?? line.human_consistency;
  if (label !== undefined && answer === undefined)
    context.addIssue({ code: 'custom', path: ['label'], message: 'there is no answer beside it' });
  const { instruction, history, question, references, constraints, trueElsewhere, opponent } = line;
  if (trueElsewhere !== undefined && line.context?.includes(trueElsewhere) === true)
    context.addIssue({
      code: 'custom',
      path: ['trueElsewhere'],
      message: 'it stands in the context, so the context supports it',
    });
  return {
    row: {
      instruction: instruction ?? null,
      history,
      context: line.context ?? null,
      question: question ?? null,
      references,
      constraints,
      opponent,
    },
    labelled:
      answer === undefined || label === undefined ? null : { answer, label, by: line.labelledBy },
    trueElsewhere,
  };
});

/** Where no file is given: enough to see what a judge takes for supported, with nothing that people labelled. */
export const builtInRows: readonly CheckedRow[] = [
  'The ferry to Port Arden was built in 1987. It carries 240 passengers and crosses the bay in 35 minutes. Captain Lena Moss has steered it since 2011.',
  'The library in Corven was closed for repairs in March. Workers replaced 14 windows and the roof. The mayor said that Alina Ford will open it again in May.',
  'A baker from Tilby has won the county prize. Her bread was made with 3 kinds of flour. The judges praised Rosa Lindt for its crust.',
  'The bridge over the Elm was painted green by the town. It is 62 metres long and carries two lanes. Engineers from Halden inspect it each spring.',
  'The museum shows 120 maps that were drawn by the explorer Otto Brandt. He crossed the northern plains in 1854. The oldest map is kept behind glass.',
  'Farmers near Wexley will plant 500 trees this autumn. The plan was made by Ines Calder after the flood. Each family gets four saplings.',
  'The orchestra played in the old mill on Friday. Its conductor Paul Reyes was ill, so Mira Stone led the concert. About 300 people came.',
  'A storm has damaged 18 boats in the harbour of Sandwick. The harbour master Ewan Pike said that repairs will take six weeks. No one was hurt.',
  'The school in Lowmere has a new garden. Pupils planted beans there in April, and the teacher Dana Holt waters it. They will sell 40 baskets in summer.',
  'The train from Aldby to Kerrow was late by 25 minutes. A tree had blocked the line near Norton. The driver Sam Ives was thanked by the passengers.',
  'The painter Clara Voss was born in Merrin. She painted 73 portraits and taught for nine years. Her last work is in the town hall.',
  'Scientists have counted 410 seals on the island of Skarn. The number was lower in 2019. Their leader Hugo Lamb said that the water is cleaner now.',
].map((context) => ({
  row: { instruction: null, context, question: null, references: [] },
  labelled: null,
}));
