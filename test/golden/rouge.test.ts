/** ROUGE and its stemmer against Google's rouge_score and NLTK 3.8. */
import { expect, test, type TestContext } from 'vitest';
import { RougeVariant } from '../../shared/contract/judge-options.ts';
import { porterStem } from '../../shared/scoring/porter-stem.ts';
import { rouge, type RougeScores } from '../../shared/scoring/rouge.ts';
import { goldenRows } from '../support/golden.ts';

interface RougeRow {
  id: string;
  target: string;
  prediction: string;
  plain: RougeScores;
  stem: RougeScores;
}

const readRows = (context: TestContext) => goldenRows<RougeRow>(context, 'golden/rouge.jsonl');

test('plain ROUGE equals the reference to the last bit', (context) => {
  for (const { id, target, prediction, plain } of readRows(context))
    expect(rouge([target], false)(prediction), id).toEqual(plain);
});

test('ROUGE of stems is at most two units in the last place away', (context) => {
  for (const { id, target, prediction, stem } of readRows(context)) {
    const scores = rouge([target], true)(prediction);
    for (const variant of RougeVariant.options)
      for (const [at, value] of scores[variant].entries())
        expect(
          ulpsBetween(value, stem[variant][at] ?? Number.NaN),
          `${id} ${variant}`,
        ).toBeLessThan(3);
  }
});

interface SeveralRow {
  id: string;
  targets: string[];
  prediction: string;
  plain: RougeScores[];
  stem: RougeScores[];
  best_index_plain: Record<RougeVariant, number>;
  best_index_stem: Record<RougeVariant, number>;
}

test('of several references each variant takes the first with the largest F1', (context) => {
  for (const row of goldenRows<SeveralRow>(context, 'golden/rouge_multi_reference.jsonl'))
    for (const [stemmer, scores, best] of [
      [false, row.plain, row.best_index_plain],
      [true, row.stem, row.best_index_stem],
    ] as const) {
      const given = rouge(row.targets, stemmer)(row.prediction);
      for (const variant of RougeVariant.options)
        expect(given[variant], `${row.id} ${variant}`).toEqual(scores[best[variant]]?.[variant]);
    }
});

test('every word has the stem that NLTK gives it', (context) => {
  for (const { word, stem } of goldenRows<{ word: string; stem: string }>(
    context,
    'golden/porter_stem.jsonl',
  ))
    expect(porterStem(word), word).toBe(stem);
});

/** How many doubles lie between two that are not negative. */
function ulpsBetween(left: number, right: number): number {
  const [a = 0n, b = 0n] = new BigInt64Array(Float64Array.of(left, right).buffer);
  return Number(a > b ? a - b : b - a);
}
