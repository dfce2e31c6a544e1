import { describe, expect, test } from 'vitest';
import { bestRound } from '../../coordinator/decision/best.ts';
import { decide } from '../../coordinator/decision/decide.ts';
import { nextOf } from '../../coordinator/decision/next.ts';
import type { AnswerStatistics, Fact, FactOf, Scores } from '../../shared/contract/facts.ts';
import { GuardrailLimits, type RunFile } from '../../shared/contract/run-file.ts';
import type { EvaluationValue } from '../../shared/contract/steps.ts';
import { answers, checkpoints, runFile, scores, wholeJournal } from '../support/journal.ts';

type Axis = EvaluationValue['axis'];
type Shares = Record<Axis, number>;

const next = {
  kind: 'decide',
  step: 'r1',
  round: 1,
  incumbentStep: 'r0',
  withoutPromotion: 0,
} as const;
const start = { faithfulness: 0.5, instruction: 0.8, task: 0.6 };
const gain = { ...start, faithfulness: 0.7 };

/** 200 examples an axis, of which this share scores 1. */
function values(shares: Shares): EvaluationValue[] {
  return (Object.keys(shares) as Axis[]).flatMap((axis) =>
    Array.from({ length: 200 }, (_, index) => ({
      dataset: axis === 'instruction' ? 'instruct' : 'span',
      axis,
      example: String(index).padStart(4, '0'),
      value: index < shares[axis] * 200 ? 1 : 0,
    })),
  );
}

interface Planted {
  limits?: Partial<GuardrailLimits>;
  r0?: Partial<FactOf<'evaluation.finished'>>;
  r1?: Partial<FactOf<'evaluation.finished'>>;
  /** As the training program measured it. */
  kl?: number;
}

/** The journal as it stands when round 1 is decided, with these evaluations. */
function journalOf({ limits = {}, r0 = {}, r1 = {}, kl }: Planted): Fact[] {
  const guardrails = GuardrailLimits.parse(limits);
  const file = { ...runFile, rounds: { ...runFile.rounds, guardrails } };
  return wholeJournal.slice(0, 10).map((fact): Fact => {
    if (fact.fact === 'run.opened') return { ...fact, file };
    if (fact.fact === 'checkpoint.published' && fact.step === 'r1' && kl !== undefined)
      return { ...fact, kl };
    if (fact.fact !== 'evaluation.finished') return fact;
    return { ...fact, ...(fact.step === 'r0' ? r0 : r1) };
  });
}

function decideRound(planted: Planted, after: Shares = gain): FactOf<'decision.made'> {
  return decide(journalOf(planted), next, { before: values(start), after: values(after) });
}

describe('a guardrail', () => {
  test('that holds is told with its value and its limits, and lets the round be promoted', () => {
    const { decision, guardrails } = decideRound({});
    expect(decision).toBe('promote');
    expect(guardrails).toEqual([
      { name: 'length', of: 'instruction', value: 1, least: 0.5, most: 2, tripped: false },
      { name: 'length', of: 'extractive_qa', value: 1, least: 0.5, most: 2, tripped: false },
      { name: 'distinct2', of: null, value: 1, least: 0.7, most: null, tripped: false },
      { name: 'duplicates', of: null, value: 0, least: null, most: 0.1, tripped: false },
      { name: 'refusals', of: null, value: 0, least: null, most: 0.02, tripped: false },
    ]);
  });

  test.each<[string, Partial<AnswerStatistics>, string]>([
    ['answers that shrank', { length: { instruction: 3 } }, 'length of instruction 0.375'],
    ['answers that grew', { length: { extractive_qa: 5 } }, 'length of extractive_qa 2.500'],
    ['the same pairs of words', { distinct2: 0.3 }, 'distinct2 0.500 (at least 0.7)'],
    ['the same answer to other prompts', { duplicates: 0.6 }, 'duplicates 0.200 (at most 0.1)'],
    ['refusals', { refusals: 0.04 }, 'refusals 0.030 (at most 0.02)'],
  ])('against %s rolls a round back that the gate would promote', (_, changes, words) => {
    const { decision, reason, withoutPromotion } = decideRound({
      r1: { answers: answers(changes) },
    });
    expect(decision).toBe('keep');
    expect(reason).toContain(`rolled back by guardrails: ${words}`);
    expect(withoutPromotion).toBe(1);
  });

  test('against next-token distributions that have gone far reads what the training measured', () => {
    const kept = decideRound({ kl: 1.25 });
    expect(kept).toMatchObject({ decision: 'keep' });
    expect(kept.reason).toContain('kl 1.250 (at most 1)');
    expect(decideRound({ kl: 0.5 })).toMatchObject({ decision: 'promote' });
    expect(decideRound({ kl: 1.25, limits: { kl: null } })).toMatchObject({ decision: 'promote' });
  });

  test('against copying compares shares that the datasets may well have at the start', () => {
    const rows = { summarization: 1000 };
    const copied = (share: number) => ({ answers: answers({ rows, copied: share }) });
    expect(decideRound({ r0: copied(0.5), r1: copied(0.55) }).decision).toBe('promote');
    expect(decideRound({ r0: copied(0.1), r1: copied(0.25) }).decision).toBe('keep');
  });

  test('does not trip on a rise that few rows have by chance', () => {
    const of = (rows: number, refusals: number) => ({
      answers: answers({ rows: { instruction: rows }, refusals }),
    });
    expect(decideRound({ r0: of(100, 0), r1: of(100, 0.04) }).decision).toBe('promote');
    expect(decideRound({ r0: of(1000, 0), r1: of(1000, 0.04) }).decision).toBe('keep');
  });

  test('set to null is off, and is not told', () => {
    const { decision, guardrails } = decideRound({
      limits: { refusals: null },
      r1: { answers: answers({ refusals: 1 }) },
    });
    expect(decision).toBe('promote');
    expect(guardrails.map(({ name }) => name)).not.toContain('refusals');
  });

  test('compares with the start, not with the incumbent: a slow drift is a drift', () => {
    const drift = (words: number) => answers({ length: { instruction: words } });
    const [opened, ...rest] = journalOf({ r1: { answers: drift(5) } });
    const promoted = wholeJournal[10];
    const r2 = wholeJournal[14];
    if (opened === undefined || promoted === undefined || r2?.fact !== 'evaluation.finished')
      throw new Error('the journal is another one');
    const journal = [opened, ...rest, promoted, { ...r2, answers: drift(3.5) }];
    const second = { ...next, step: 'r2', round: 2, incumbentStep: 'r1' };
    const decision = decide(journal, second, { before: values(start), after: values(gain) });
    expect(decision.reason).toContain('length of instruction 0.438');
  });

  test('with action stop ends the run, with the best round that no guardrail tripped in', () => {
    const journal = journalOf({
      limits: { action: 'stop' },
      r1: { answers: answers({ distinct2: 0.1 }) },
    });
    const decision = decide(journal, next, { before: values(start), after: values(gain) });
    expect(decision.decision).toBe('stop');
    expect(nextOf([...journal, decision])).toEqual({
      kind: 'append',
      fact: {
        fact: 'run.finished',
        stopped: 'guardrail',
        reason: decision.reason,
        best: { round: 0, checkpoint: checkpoints[1] },
      },
    });
  });
});

describe('a held-out judge', () => {
  const file: RunFile = {
    ...runFile,
    judges: [
      ...runFile.judges,
      { name: 'watch', axis: 'faithfulness', type: 'span-coverage', heldOut: true },
    ],
  };

  /** Dev scores by both kinds of judge, of a seen and of an unseen dataset. */
  function seenBy(selecting: number, watch: number, unseen = watch): Scores {
    const estimate = (mean: number) => ({ n: 200, mean, lower: mean, upper: mean });
    return {
      ...scores(selecting),
      datasets: {
        span: { faithfulness: estimate(selecting) },
        strange: { faithfulness: estimate(0) },
      },
      heldOut: { watch: { span: estimate(watch), strange: estimate(unseen) } },
    };
  }

  function decideWatched(dev: Scores, after: Shares = gain): FactOf<'decision.made'> {
    const [opened, ...rest] = journalOf({ r0: { dev: seenBy(0.5, 0.4) }, r1: { dev } });
    if (opened?.fact !== 'run.opened') throw new Error('the journal is another one');
    const journal = [{ ...opened, file }, ...rest];
    return decide(journal, next, { before: values(start), after: values(after) });
  }

  test('lets a round pass whose gain it sees at least half of', () => {
    const { decision, guardrails } = decideWatched(seenBy(0.7, 0.52));
    expect(decision).toBe('promote');
    const watch = guardrails.find(({ name }) => name === 'heldOut');
    expect(watch).toMatchObject({ of: 'watch', least: 0.5, most: null, tripped: false });
    expect(watch?.value).toBeCloseTo(0.6);
  });

  test('rolls a round back whose gain is one to the selecting judges only', () => {
    const { decision, reason } = decideWatched(seenBy(0.7, 0.48));
    expect(decision).toBe('keep');
    expect(reason).toContain('heldOut of watch 0.400 (at least 0.5)');
  });

  test('is not moved by unseen datasets', () => {
    expect(decideWatched(seenBy(0.7, 0.48, 1))).toEqual(decideWatched(seenBy(0.7, 0.48)));
  });

  test('is not asked to vouch for a gain that there is not', () => {
    const { guardrails } = decideWatched(seenBy(0.51, 0.4), { ...start, faithfulness: 0.51 });
    expect(guardrails.map(({ name }) => name)).not.toContain('heldOut');
  });
});

describe('the round to ship', () => {
  test('is never one that tripped a guardrail', () => {
    const guardrail = { name: 'length', of: 'instruction', value: 3, least: 0.5, most: 2 } as const;
    const journal = wholeJournal.map((fact) =>
      fact.fact === 'decision.made' && fact.step === 'r2'
        ? { ...fact, guardrails: [{ ...guardrail, tripped: true }] }
        : fact,
    );
    expect(bestRound(wholeJournal)?.round).toBe(2);
    expect(bestRound(journal)?.round).toBe(1);
  });
});

describe('what was seen on test or on unseen sets', () => {
  /** Perfect on test and on unseen sets, unchanged on the seen sets of dev. */
  function planted(dev: Scores): Partial<FactOf<'evaluation.finished'>> {
    const perfect = scores(1, 1, 1).faithfulness.seen;
    return {
      dev: { ...dev, faithfulness: { ...dev.faithfulness, unseen: perfect } },
      test: { ...scores(1, 1, 1), faithfulness: { seen: perfect, unseen: perfect } },
    };
  }

  test.each<[string, Shares]>([
    ['kept', { ...start, faithfulness: 0.505 }],
    ['promoted', gain],
  ])('moves no decision: the round is %s as without it', (_, after) => {
    const better = { r1: planted(scores(0.7)) };
    expect(decideRound(better, after)).toEqual(decideRound({}, after));
  });

  test('does not move the best round either', () => {
    const better = wholeJournal.map((fact) =>
      fact.fact === 'evaluation.finished' && fact.step === 'r3'
        ? { ...fact, ...planted(fact.dev) }
        : fact,
    );
    expect(bestRound(better)).toEqual(bestRound(wholeJournal));
  });
});

describe('a failure signature', () => {
  test.each<[string, Shares]>([
    ['instruction fell while faithfulness held', { ...gain, instruction: 0.6 }],
    ['faithfulness fell while instruction held', { ...start, faithfulness: 0.3 }],
    ['no gain over the start', start],
  ])('is named: %s', (words, after) => {
    expect(decideRound({}, after).reason).toContain(`signature: ${words}`);
  });

  test('is not named of a round that was promoted, or where rounds have converged', () => {
    expect(decideRound({}).reason).not.toContain('signature');
    const [opened, ...rest] = journalOf({});
    if (opened?.fact !== 'run.opened') throw new Error('the journal is another one');
    const gate = { ...runFile.rounds.gate, gain: -1, loss: 1 };
    const open = { ...opened, file: { ...opened.file, rounds: { ...opened.file.rounds, gate } } };
    const lost = { before: values(start), after: values({ ...start, instruction: 0.7 }) };
    const passed = decide([open, ...rest], next, lost);
    expect(passed.decision).toBe('promote');
    expect(passed.reason).not.toContain('signature');
    const later = decide(
      journalOf({}),
      { ...next, incumbentStep: 'r1' },
      {
        before: values(start),
        after: values(start),
      },
    );
    expect(later.decision).toBe('keep');
    expect(later.reason).not.toContain('signature');
  });
});
