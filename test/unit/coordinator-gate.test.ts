import { describe, expect, test } from 'vitest';
import { decide } from '../../coordinator/decision/decide.ts';
import { noiseBand } from '../../coordinator/decision/noise.ts';
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { digestOf } from '../../shared/contract/ids.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import type { EvaluationValue } from '../../shared/contract/steps.ts';
import { runFile, wholeJournal } from '../support/journal.ts';

/** n examples, of which this share scores 1. */
function values(axis: EvaluationValue['axis'], share: number, n = 200): EvaluationValue[] {
  return Array.from({ length: n }, (_, index) => ({
    dataset: axis === 'instruction' ? 'instruct' : 'span',
    axis,
    example: String(index).padStart(4, '0'),
    value: index < share * n ? 1 : 0,
  }));
}

const before = [
  ...values('faithfulness', 0.5),
  ...values('instruction', 0.8),
  ...values('task', 0.6),
];

const next = {
  kind: 'decide',
  step: 'r1',
  round: 1,
  incumbentStep: 'r0',
  withoutPromotion: 1,
} as const;

/** The journal as it stands when round 1 is decided. */
const journal = wholeJournal.slice(0, 10);

function gate(after: EvaluationValue[], file: RunFile = runFile) {
  const opened: Fact = { fact: 'run.opened', run: file.run, file, digest: digestOf(file) };
  return decide([opened, ...journal.slice(1)], next, { before, after });
}

describe('the gate', () => {
  test('promotes a sure gain in faithfulness when instruction and task hold, and resets the count', () => {
    const decision = gate([
      ...values('faithfulness', 0.7),
      ...values('instruction', 0.8),
      ...values('task', 0.6),
    ]);
    expect(decision).toMatchObject({ decision: 'promote', withoutPromotion: 0 });
    expect(decision.differences.faithfulness?.lower).toBeGreaterThan(0);
  });

  test('keeps the incumbent when the gain could be chance, and counts the round', () => {
    const decision = gate([
      ...values('faithfulness', 0.505),
      ...values('instruction', 0.8),
      ...values('task', 0.6),
    ]);
    expect(decision).toMatchObject({ decision: 'keep', withoutPromotion: 2 });
    expect(decision.reason).toContain('no sure gain in faithfulness');
  });

  test('keeps the incumbent when instruction may have lost more than gate.loss, however much faithfulness rose', () => {
    const decision = gate([
      ...values('faithfulness', 0.9),
      ...values('instruction', 0.7),
      ...values('task', 0.6),
    ]);
    expect(decision.decision).toBe('keep');
    expect(decision.reason).toContain('instruction may have lost more than 0.03');
  });

  test('stands open where gate.gain and gate.loss say so, and does not call a fall a rise', () => {
    const rounds = { ...runFile.rounds, gate: { bootstrap: 1000, gain: -1, loss: 1 } };
    const after = [...values('faithfulness', 0.4), ...values('instruction', 0.2)];
    const decision = gate(after, { ...runFile, rounds });
    expect(decision.decision).toBe('promote');
    expect(decision.reason).toContain('faithfulness changed by −0.100');
  });

  test('an equal model is not promoted', () => {
    expect(gate(before).decision).toBe('keep');
  });

  test('does not depend on the order in which values arrive', () => {
    const after = [
      ...values('faithfulness', 0.7),
      ...values('instruction', 0.8),
      ...values('task', 0.6),
    ];
    expect(gate(after.toReversed())).toEqual(gate(after));
  });

  test('compares only examples that both checkpoints have a score for', () => {
    const decision = gate([...values('faithfulness', 1, 50), ...values('task', 0.6)]);
    expect(decision.differences.faithfulness?.mean).toBe(0);
    expect(decision.differences.instruction).toBeNull();
  });

  test('without any faithfulness score under both nothing is promoted', () => {
    const decision = gate(values('task', 0.9));
    expect(decision.decision).toBe('keep');
    expect(decision.reason).toContain('no example has a faithfulness score under both');
  });

  describe('with judges that were asked twice', () => {
    const repeats = (judges: Record<string, number | null>): Fact[] =>
      journal.map((fact) =>
        fact.fact === 'dataset.sealed' && fact.step === 'r1'
          ? {
              ...fact,
              health: {
                agreement: {},
                judges: Object.fromEntries(
                  Object.entries(judges).map(([name, spread]) => [
                    name,
                    {
                      outcomes: {},
                      length: { n: 0, value: null },
                      repeats: { n: spread === null ? 0 : 50, flipRate: spread, spread },
                    },
                  ]),
                ),
              },
            }
          : fact,
      );
    const held = [...values('instruction', 0.8), ...values('task', 0.6)];
    const after = [...values('faithfulness', 0.54), ...held];
    const calm = decide(journal, next, { before, after });

    test('asks for a gain above the band of their noise, and says so', () => {
      expect(calm.decision).toBe('promote');
      const noisy = decide(repeats({ span: 0.3 }), next, { before, after });
      expect(noisy.decision).toBe('keep');
      expect(noisy.noise).toBeCloseTo((1.96 * 0.3) / Math.sqrt(200), 12);
      expect(noisy.reason).toContain('above 0 and the noise of its judges, 0.042');
      expect(noisy.differences).toEqual(calm.differences);
      const larger = [...values('faithfulness', 0.62), ...held];
      expect(decide(repeats({ span: 0.3 }), next, { before, after: larger }).decision).toBe(
        'promote',
      );
    });

    test('decides as before where they say the same each time, were not answered, or judge another axis', () => {
      for (const judges of [{ span: 0 }, { span: null }, { em: 0.9 }])
        expect(decide(repeats(judges), next, { before, after })).toEqual(calm);
    });

    test('counts each dataset the same, whatever its rows, and the noisiest judge', () => {
      const [span] = runFile.judges;
      if (span === undefined) throw new Error('the run has judges');
      const judges = [span, { ...span, name: 'nli' }, { ...span, name: 'held', heldOut: true }];
      const { health } = repeats({ span: 0.1, nli: 0.2, held: 0.9 }).find(
        (fact) => fact.fact === 'dataset.sealed' && fact.step === 'r1',
      ) as FactOf<'dataset.sealed'>;
      expect(noiseBand({ judges }, health, 'faithfulness', [100, 25])).toBeCloseTo(
        (1.96 * 0.2 * Math.sqrt(1 / 100 + 1 / 25)) / 2,
        12,
      );
    });
  });
});
