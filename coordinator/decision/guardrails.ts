import type { DatasetKind } from '../../shared/contract/example.ts';
import type {
  AnswerStatistics,
  Estimate,
  FactOf,
  Guardrail,
  Scores,
} from '../../shared/contract/facts.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';

/** Evaluations of the start, of the checkpoint that the round started from, and of the round's own. */
export interface Evaluations {
  start: FactOf<'evaluation.finished'>;
  incumbent: FactOf<'evaluation.finished'>;
  round: FactOf<'evaluation.finished'>;
  /** From the start to the round's checkpoint; null where the training program did not measure it. */
  kl: number | null;
}

const kinds: readonly DatasetKind[] = [
  'instruction',
  'extractive_qa',
  'abstractive_qa',
  'summarization',
];

/** Each share with the kinds of dataset whose answers it is of. */
const shares = [
  ['duplicates', ['instruction']],
  ['copied', ['abstractive_qa', 'summarization']],
  ['refusals', kinds],
] as const satisfies [string, readonly DatasetKind[]][];

/**
 * What a round's answers are beside those of the start, on dev (design §6.10). The start is the measure, not the incumbent: a drift of a
 * little in each round is a drift. A value that one of the two does not have, or that is 0 at the start where a ratio is asked for, cannot
 * be compared and is left out.
 *
 * - `length`: mean words / the start's, for each kind of dataset. Answers that grow buy task scores, answers that shrink faithfulness.
 * - `distinct2`: distinct pairs of words / the start's. It falls where the model says the same to everything.
 * - `duplicates`, `copied`, `refusals`: the share now − the start's. They trip where the lower 95 % bound of this rise is above the limit: a
 *   share of few rows rises by chance. The two are taken for independent, which makes the bound too low rather than too high.
 * - `kl`: mean over the tokens of dev references of KL(round ‖ start), in nats, as the training program has measured it. Next-token
 *   distributions move before answers do. Along references, as neither model's answers are there to walk along in training.
 * - `heldOut`: the gain in faithfulness over the incumbent by a judge that selects nothing / the gain by those that do, on the seen datasets
 *   that both measure. Measured where there is a gain to vouch for, that is where the whole round's is sure.
 */
export function measureGuardrails(
  file: RunFile,
  { start, incumbent, round, kl }: Evaluations,
  surelyGained: boolean,
): Guardrail[] {
  const limits = file.rounds.guardrails;
  const [then, now] = [start.answers, round.answers];
  const measured: (Guardrail | undefined)[] = [];
  if (limits.length !== null) {
    const [least, most] = limits.length;
    for (const kind of kinds)
      measured.push(
        bounded('length', kind, ratio(now.length[kind], then.length[kind]), { least, most }),
      );
  }
  if (limits.distinct2 !== null)
    measured.push(
      bounded('distinct2', null, ratio(now.distinct2, then.distinct2), {
        least: limits.distinct2,
        most: null,
      }),
    );
  for (const [name, kinds] of shares) {
    const [share, was, most] = [now[name], then[name], limits[name]];
    if (share === null || was === null || most === null) continue;
    const variance =
      (share * (1 - share)) / rowsOf(now, kinds) + (was * (1 - was)) / rowsOf(then, kinds);
    const tripped = share - was - 1.96 * Math.sqrt(variance) > most;
    measured.push({ name, of: null, value: share - was, least: null, most, tripped });
  }
  if (limits.kl !== null) measured.push(bounded('kl', null, kl, { least: null, most: limits.kl }));
  if (limits.heldOut !== null && surelyGained)
    for (const { name } of file.judges.filter(({ heldOut }) => heldOut))
      measured.push(
        bounded('heldOut', name, vouched(file, name, incumbent.dev, round.dev), {
          least: limits.heldOut,
          most: null,
        }),
      );
  return measured.filter((one) => one !== undefined);
}

/** A guardrail that tripped, for a reason. */
export function wordsOf({ name, of, value, least, most }: Guardrail): string {
  const bounds = [
    least === null ? '' : `at least ${least}`,
    most === null ? '' : `at most ${most}`,
  ];
  const what = of === null ? name : `${name} of ${of}`;
  return `${what} ${value.toFixed(3)} (${bounds.filter(Boolean).join(', ')})`;
}

function rowsOf({ rows }: AnswerStatistics, of: readonly DatasetKind[]): number {
  return of.reduce((sum, kind) => sum + (rows[kind] ?? 0), 0);
}

/** A held-out judge's gain as a share of the gain that it should confirm; null where there is none. */
function vouched(
  { datasets }: RunFile,
  judge: string,
  before: Scores,
  after: Scores,
): number | null {
  let held = 0;
  let selecting = 0;
  for (const { name } of datasets.filter(({ train }) => train !== undefined)) {
    const watched = gain(before.heldOut?.[judge]?.[name], after.heldOut?.[judge]?.[name]);
    const own = gain(before.datasets[name]?.faithfulness, after.datasets[name]?.faithfulness);
    if (watched === null || own === null) continue;
    held += watched;
    selecting += own;
  }
  return selecting > 0 ? held / selecting : null;
}

function gain(was: Estimate | undefined, is: Estimate | undefined): number | null {
  return was === undefined || is === undefined ? null : is.mean - was.mean;
}

function bounded(
  name: Guardrail['name'],
  of: string | null,
  value: number | null,
  { least, most }: Pick<Guardrail, 'least' | 'most'>,
): Guardrail | undefined {
  if (value === null) return undefined;
  const tripped = (least !== null && value < least) || (most !== null && value > most);
  return { name, of, value, least, most, tripped };
}

function ratio(now: number | null | undefined, then: number | null | undefined): number | null {
  return typeof now === 'number' && typeof then === 'number' && then > 0 ? now / then : null;
}
