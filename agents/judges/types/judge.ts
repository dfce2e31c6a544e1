import type { z } from 'zod';
import type { Behind } from '../../../shared/contract/judge-options.ts';
import type { Example } from '../../../shared/contract/example.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import { problemsOf } from '../../../shared/contract/problems.ts';
import type { Outcome } from '../../../shared/contract/work.ts';
import type { Engines } from '../engines.ts';
import type { ScorerKind } from '../scorers/scorer.ts';

/** What a judge may look at: the row, but not whose it is or what became of it. */
export type JudgedRow = Pick<
  Example,
  'instruction' | 'history' | 'context' | 'question' | 'references' | 'constraints'
> & {
  /** What another checkpoint answered, for a judge that compares the two. */
  readonly opponent?: string | undefined;
};

/** For what a judge is asked. */
export interface Occasion {
  /** `<run>/<unit>`, which pays for it. */
  readonly unit?: string;
  /** The judge's name in the run. */
  readonly name?: string;
  /** How often it was asked about the text before, and is to answer anew. */
  readonly repeat?: number | undefined;
  /** `<run>/<attempt>` from which on its answers count, where earlier ones do not. */
  readonly since?: string | undefined;
}

export type Rule = (
  row: JudgedRow,
  answer: string,
  signal: AbortSignal,
  occasion?: Occasion,
) => Outcome | Promise<Outcome>;

/** One type of judge with its options. Create it once and ask it often: it may keep what it prepared for a row. */
export interface Judge {
  /**
   * sha256 of all that can move its answers: type, revision, options, and who stands behind it. Verdicts are cached under it.
   * Rejects with TransientError while what stands behind it is away.
   */
  readonly fingerprint: (signal: AbortSignal) => Promise<string>;
  /** Answers for one text. What cannot be judged is `unscored` with its reason; an error thrown means trying again may help. */
  readonly judge: Rule;
}

export interface JudgeFactory {
  /** Throws PermanentError for options that the type does not know, and for a name that this peer has no profile of. */
  create(options: Readonly<Record<string, unknown>>, engines: Engines): Judge;
  /** Which engines stand behind judges of this type; `optional` where it can do without. */
  readonly needs?: {
    readonly behind: Behind;
    readonly optional?: boolean;
    /** Which scorers fit, where scorers stand behind it. */
    readonly scorer?: ScorerKind;
  };
}

/** What makes a type of judge. `revision` is raised whenever a change of the code can move a value. */
export interface JudgeType<TOptions extends z.ZodType> {
  readonly type: string;
  readonly revision: number;
  readonly options: TOptions;
  readonly needs?: JudgeFactory['needs'];
  readonly rule: (options: z.output<TOptions>, engines: Engines) => Rule;
  /** Who stands behind it, as JSON: model and revision, where its answers hang on more than the options. */
  readonly identity?: (
    options: z.output<TOptions>,
    engines: Engines,
    signal: AbortSignal,
  ) => Promise<unknown>;
}

/** Makes the factory of a type. */
export function judgeFactory<TOptions extends z.ZodType>(
  definition: JudgeType<TOptions>,
): JudgeFactory {
  const { type, revision, options: schema, needs, rule, identity } = definition;
  return {
    ...(needs === undefined ? {} : { needs }),
    create: (given, engines) => {
      const parsed = schema.safeParse(given);
      if (!parsed.success)
        throw new PermanentError(`options of judge type ${type}: ${problemsOf(parsed.error)}`);
      const options = parsed.data;
      return {
        fingerprint: async (signal) => {
          const engine = await identity?.(options, engines, signal);
          return digestOf({ type, revision, options, ...(engine === undefined ? {} : { engine }) });
        },
        judge: rule(options, engines),
      };
    },
  };
}
