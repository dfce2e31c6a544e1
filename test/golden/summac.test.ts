/** SummaC-ZS against its authors' program with NLTK's splitter, and the lexical NLI against people. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Granularity } from '../../shared/contract/judge-options.ts';
import { SummacUse } from '../../shared/contract/judge-options.ts';
import { auroc } from '../../shared/scoring/auroc.ts';
import { lexicalNli } from '../../shared/scoring/lexical-nli.ts';
import { splitSentences } from '../../shared/scoring/sentences.ts';
import { spearmanRho } from '../../shared/scoring/spearman.ts';
import { aggregate, type Nli, summacZs } from '../../shared/scoring/summac.ts';
import { goldenRows } from '../support/golden.ts';

interface ImageRow {
  id: string;
  shape: [3, number, number];
  ent: number[][];
  con: number[][];
  scores: Record<string, number | string>;
}

test('the aggregate of an image equals the reference', (context) => {
  for (const row of goldenRows<ImageRow>(context, 'golden/summac_zs_aggregate.jsonl'))
    for (const use of SummacUse.options) {
      const { raw, perSentence } = aggregate(row, use);
      // The reference has no number where there is no sentence; `summacZs` asks for none then.
      expect(perSentence, row.id).toHaveLength(row.shape[2]);
      const expected = Number(row.scores[`max/mean/${use}`]);
      if (row.shape[2] === 0) expect([raw, expected], row.id).toEqual([Number.NaN, Number.NaN]);
      else expect(Math.abs(raw - expected), `${row.id} ${use}`).toBeLessThan(1e-12);
    }
});

interface EndToEndRow {
  id: string;
  granularity: Granularity;
  max_doc_sents: number;
  document: string;
  summary: string;
  doc_chunks: string[];
  summary_chunks: string[];
  scores: Record<string, number>;
}

test('from texts to score, all goes as in the reference wherever the sentences are the same', (context) => {
  const rows = goldenRows<EndToEndRow>(context, 'golden/summac_zs_end_to_end.jsonl');
  const same = rows.filter((row) => {
    const [ofContext = 'sentence', ofAnswer = ofContext] = row.granularity.split(
      '-',
    ) as Granularity[];
    return (
      isDeepEqual(chunksOf(row.document, ofContext, row.max_doc_sents), row.doc_chunks) &&
      isDeepEqual(chunksOf(row.summary, ofAnswer, Infinity), row.summary_chunks)
    );
  });
  expect([same.length, rows.length]).toEqual([115, 124]);
  for (const { id, granularity, max_doc_sents, document, summary, ...expected } of same)
    for (const use of SummacUse.options) {
      const options = { granularity, maxContextSentences: max_doc_sents, use };
      const { raw } = summacZs(document, options, tableNli)(summary);
      const isEmpty = expected.doc_chunks.length === 0 || expected.summary_chunks.length === 0;
      const score = isEmpty ? 0 : (expected.scores[`max/mean/${use}`] ?? Number.NaN);
      expect(Math.abs(raw - score), `${id} ${use}`).toBeLessThan(1e-12);
    }
});

interface SplitRow {
  id: string;
  text: string;
  sentences: string[];
}

test("98 of 100 sentences of NLTK's splitter are ours too", (context) => {
  const rows = goldenRows<SplitRow>(context, 'golden/sentence_split.jsonl');
  const counts = { theirs: 0, ours: 0, common: 0 };
  for (const { text, sentences } of rows) {
    const ours = splitSentences(text);
    const theirs = new Set(sentences);
    counts.theirs += sentences.length;
    counts.ours += ours.length;
    counts.common += ours.filter((sentence) => theirs.has(sentence)).length;
  }
  const { theirs, ours, common } = counts;
  expect((2 * common) / (theirs + ours)).toBeGreaterThan(0.975);
});

interface LabelledRow {
  context: string;
  system_output: string;
  human_consistency: number;
}

test('the lexical NLI follows people as far as its description says', (context) => {
  const measured = ['qags_cnndm', 'qags_xsum'].map((name) => {
    const rows = goldenRows<LabelledRow>(context, `faithfulness/${name}.jsonl`);
    const options = { granularity: 'sentence', maxContextSentences: 100, use: 'ent-con' } as const;
    const ours = rows.map(
      (row) => summacZs(row.context, options, lexicalNli)(row.system_output).raw,
    );
    const people = rows.map((row) => row.human_consistency);
    const consistent = people.map((share) => share === 1);
    return [spearmanRho(ours, people), auroc(ours, consistent)].map(({ value }) =>
      value?.toFixed(2),
    );
  });
  expect(measured).toEqual([
    ['0.44', '0.72'],
    ['0.18', '0.61'],
  ]);
});

/** The NLI of the golden rows: probabilities made from a hash of premise and hypothesis. */
const tableNli: Nli = (premises) => (hypotheses) => {
  const image = premises.map((premise) =>
    hypotheses.map((hypothesis) => look(premise, hypothesis)),
  );
  return {
    ent: image.map((row) => row.map(([ent]) => ent)),
    con: image.map((row) => row.map(([, con]) => con)),
  };
};

function look(premise: string, hypothesis: string): [ent: number, con: number] {
  const hash = createHash('sha256').update(`${premise}\u0001${hypothesis}`).digest();
  const [ent, con, neu] = [0, 4, 8].map((at) => (hash.readUInt32BE(at) % 1000) + 1) as [
    number,
    number,
    number,
  ];
  const share = (part: number): number => Number((part / (ent + con + neu)).toFixed(4));
  return [share(ent), share(con)];
}

/** The parts that an NLI is asked about. */
function chunksOf(text: string, granularity: Granularity, limit: number): string[] {
  const seen: string[] = [];
  const options = { granularity, maxContextSentences: limit, use: 'ent' } as const;
  summacZs(text, options, (premises) => {
    seen.push(...premises);
    return tableNli(premises);
  });
  return seen;
}

function isDeepEqual(left: readonly string[], right: readonly string[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
