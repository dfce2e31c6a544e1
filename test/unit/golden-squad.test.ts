import { expect, test } from 'vitest';
import { normaliseAnswer } from '../../shared/scoring/normalise.ts';
import { squadScore } from '../../shared/scoring/squad.ts';
import { goldenRows, goldenText } from '../support/golden.ts';

interface SquadRow {
  id: string;
  references: string[];
  prediction: string;
  norm_prediction: string;
  norm_references: string[];
  em_v11: number | null;
  f1_v11: number | null;
  em_v20: number;
  f1_v20: number;
}

test('normalised answers equal those of the official programs', (context) => {
  for (const row of goldenRows<SquadRow>(context, 'golden/squad_em_f1.jsonl')) {
    expect(normaliseAnswer(row.prediction), row.id).toBe(row.norm_prediction);
    expect(row.references.map(normaliseAnswer), row.id).toEqual(row.norm_references);
  }
});

test('exact match and F1 equal those of evaluate-v1.1 to the last bit', (context) => {
  for (const row of goldenRows<SquadRow>(context, 'golden/squad_em_f1.jsonl')) {
    const expected = row.em_v11 === null ? null : { em: row.em_v11, f1: row.f1_v11 };
    expect(squadScore(row.prediction, row.references, 'v1.1'), row.id).toEqual(expected);
  }
});

test('exact match and F1 equal those of evaluate-v2.0 to the last bit', (context) => {
  for (const row of goldenRows<SquadRow>(context, 'golden/squad_em_f1.jsonl')) {
    const expected = { em: row.em_v20, f1: row.f1_v20 };
    expect(squadScore(row.prediction, row.references, 'v2.0'), row.id).toEqual(expected);
  }
});

interface Aggregate {
  systems: {
    name: string;
    predictions: Record<string, string>;
    exact_match: number;
    f1: number;
  }[];
}

test('five published systems get the totals of the official evaluation', (context) => {
  const { systems } = JSON.parse(goldenText(context, 'golden/squad_aggregate.json')) as Aggregate;
  const questions = goldenRows<{ references: string[]; meta: { squad_id: string } }>(
    context,
    'datasets/squad.jsonl',
  );
  for (const { name, predictions, exact_match, f1 } of systems) {
    const total = { em: 0, f1: 0 };
    for (const { references, meta } of questions) {
      // The official program counts a question without a prediction as wrong.
      const prediction = predictions[meta.squad_id];
      const score = prediction === undefined ? null : squadScore(prediction, references, 'v1.1');
      total.em += score?.em ?? 0;
      total.f1 += score?.f1 ?? 0;
    }
    expect((100 * total.em) / questions.length, name).toBe(exact_match);
    // The official program adds in the order of its articles, so the last bit may differ.
    expect((100 * total.f1) / questions.length, name).toBeCloseTo(f1, 12);
  }
});
