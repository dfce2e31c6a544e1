import { expect, test } from 'vitest';
import { SpanReading } from '../../shared/contract/judge-options.ts';
import { normalisations } from '../../shared/scoring/normalise.ts';
import { spanCoverage } from '../../shared/scoring/span.ts';
import { goldenRows } from '../support/golden.ts';

interface SpanRow {
  id: string;
  context: string;
  answer: string;
  norm_context: string | null;
  variants: Record<
    string,
    { norm_answer: string; span_substring: number; span_token: number | null }
  >;
  unigram: { with_repeats: number | null };
  bigram: { with_repeats: number | null };
  variants_agree: boolean;
}

const variantNames = {
  squad: 'punct_deleted_then_articles',
  ordered: 'articles_then_punct_deleted',
  spaced: 'punct_to_space_then_articles',
} as const;

test('where all readings of the paper agree, so do all of ours', (context) => {
  const agreed = goldenRows<SpanRow>(context, 'golden/span_coverage_advisory.jsonl').filter(
    (row) => row.variants_agree,
  );
  expect(agreed).toHaveLength(393);
  for (const row of agreed) {
    const expected = Object.values(row.variants).map((variant) => variant.span_substring)[0];
    for (const reading of SpanReading.options)
      expect(spanCoverage(row.context, reading)(row.answer).span, `${row.id} ${reading}`).toBe(
        expected,
      );
  }
});

test('each reading gives the value of its variant, but 0 for an answer without words', (context) => {
  for (const row of goldenRows<SpanRow>(context, 'golden/span_coverage_advisory.jsonl')) {
    for (const [name, variantName] of Object.entries(variantNames)) {
      const variant = row.variants[variantName];
      const empty = variant?.norm_answer === '';
      const given = (level: string) =>
        spanCoverage(row.context, `${name}-${level}` as SpanReading)(row.answer).span;
      expect(given('substring'), `${row.id} ${name}`).toBe(empty ? 0 : variant?.span_substring);
      expect(given('words'), `${row.id} ${name}`).toBe(empty ? 0 : variant?.span_token);
      expect(normalisations[name as keyof typeof variantNames](row.answer).join(' '), row.id).toBe(
        variant?.norm_answer,
      );
    }
  }
});

test('unigram and bigram coverage count the repeats of the answer', (context) => {
  for (const row of goldenRows<SpanRow>(context, 'golden/span_coverage_advisory.jsonl')) {
    const { unigram, bigram } = spanCoverage(row.context, 'squad-substring')(row.answer);
    expect(unigram, row.id).toBe(row.unigram.with_repeats);
    expect(bigram, row.id).toBe(row.bigram.with_repeats);
    if (row.norm_context !== null)
      expect(normalisations.squad(row.context).join(' '), row.id).toBe(row.norm_context);
  }
});
