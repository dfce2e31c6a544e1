import type { z } from 'zod';
import type { Example } from '../../../shared/contract/example.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import { problemsOf } from '../../../shared/contract/problems.ts';
import type { Outcome } from '../../../shared/contract/work.ts';

/** What a judge may look at: the row, but not whose it is or what became of it. */
export type JudgedRow = Pick<
  Example,
  'instruction' | 'context' | 'question' | 'references' | 'constraints'
>;

export type Rule = (
  row: JudgedRow,
  answer: string,
  signal: AbortSignal,
) => Outcome | Promise<Outcome>;

/** One type of judge with its options. Create it once and ask it often: it may keep what it prepared for a row. */
export interface Judge {
  /** sha256 of all that can move its answers: type, revision, options. Verdicts are cached under it. */
  readonly fingerprint: string;
  /** Answers for one text. What cannot be judged is `unscored` with its reason; an error thrown means trying again may help. */
  readonly judge: Rule;
}

export type JudgeFactory = (options: Readonly<Record<string, unknown>>) => Judge;

/** What makes a type of judge. `revision` is raised whenever a change of the code can move a value. */
export interface JudgeType<TOptions extends z.ZodType> {
  readonly type: string;
  readonly revision: number;
  readonly options: TOptions;
  readonly rule: (options: z.output<TOptions>) => Rule;
}

/** Makes the factory of a type; it throws PermanentError for options that the type does not know. */
export function judgeFactory<TOptions extends z.ZodType>(
  definition: JudgeType<TOptions>,
): JudgeFactory {
  const { type, revision, options: schema, rule } = definition;
  return (given) => {
    const options = schema.safeParse(given);
    if (!options.success)
      throw new PermanentError(`options of judge type ${type}: ${problemsOf(options.error)}`);
    return {
      fingerprint: digestOf({ type, revision, options: options.data }),
      judge: rule(options.data),
    };
  };
}
