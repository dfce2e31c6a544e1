/** SummaC-ZS against its authors' program with NLTK's splitter, and the lexical NLI against people. */
import { expect, test } from 'vitest';
import { createEngines } from '../../agents/judges/engines.ts';
import { createJudge } from '../../agents/judges/types/table.ts';
import type { Granularity } from '../../shared/contract/judge-options.ts';
import { SummacUse } from '../../shared/contract/judge-options.ts';
import { Profiles } from '../../shared/contract/peer.ts';
import { auroc } from '../../shared/scoring/auroc.ts';
import { lexicalNli } from '../../shared/scoring/lexical-nli.ts';
import { splitSentences, splitter } from '../../shared/scoring/sentences.ts';
import { spearmanRho } from '../../shared/scoring/spearman.ts';
import { aggregate, type Nli, summacZs } from '../../shared/scoring/summac.ts';
import { goldenRows } from '../support/golden.ts';
import { startNliService, tableNli } from '../support/nli-service.ts';

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

/** Whether texts are cut as the reference cuts them. */
function hasOurChunks(row: EndToEndRow): boolean {
  const [ofContext = 'sentence', ofAnswer = ofContext] = row.granularity.split(
    '-',
  ) as Granularity[];
  return (
    isDeepEqual(chunksOf(row.document, ofContext, row.max_doc_sents), row.doc_chunks) &&
    isDeepEqual(chunksOf(row.summary, ofAnswer, Infinity), row.summary_chunks)
  );
}

/** The reference's score; ours is 0 where there is nothing to compare. */
function scoreOf(
  {
    doc_chunks,
    summary_chunks,
    scores,
  }: Pick<EndToEndRow, 'doc_chunks' | 'summary_chunks' | 'scores'>,
  use: SummacUse,
): number {
  const isEmpty = doc_chunks.length === 0 || summary_chunks.length === 0;
  return isEmpty ? 0 : (scores[`max/mean/${use}`] ?? Number.NaN);
}

test('from texts to score, all goes as in the reference wherever the sentences are the same', (context) => {
  const rows = goldenRows<EndToEndRow>(context, 'golden/summac_zs_end_to_end.jsonl');
  const same = rows.filter(hasOurChunks);
  expect([same.length, rows.length]).toEqual([115, 124]);
  for (const { id, granularity, max_doc_sents, document, summary, ...expected } of same)
    for (const use of SummacUse.options) {
      const options = { granularity, maxContextSentences: max_doc_sents, use };
      const { raw } = summacZs(document, options, tableImage)(summary);
      expect(Math.abs(raw - scoreOf(expected, use)), `${id} ${use}`).toBeLessThan(1e-12);
    }
});

test('the judge with a service behind it gives those scores too, and says who gave them', async (context) => {
  const rows = goldenRows<EndToEndRow>(context, 'golden/summac_zs_end_to_end.jsonl');
  await using service = await startNliService();
  const engines = createEngines(Profiles.parse({ nli: { table: { url: service.url } } }));
  const { signal } = new AbortController();
  const nli = await engines.nli('table').identity(signal);
  const same = rows.filter(hasOurChunks);
  for (const { id, granularity, max_doc_sents, document, summary, ...expected } of same)
    for (const use of SummacUse.options) {
      const options = { nli: 'table', granularity, maxContextSentences: max_doc_sents, use };
      const row = { instruction: null, context: document, question: null, references: [] };
      const verdict = await createJudge('summac-zs', options, engines).judge(row, summary, signal);
      const raw = scoreOf(expected, use);
      expect(verdict, id).toMatchObject({ outcome: 'scored', details: { nli, splitter } });
      if (verdict.outcome !== 'scored') continue;
      const { value, details } = verdict;
      expect(Math.abs(Number(details['raw']) - raw), `${id} ${use}`).toBeLessThan(1e-9);
      expect(value).toBe(Math.max(0, Number(details['raw'])));
    }
  // Three uses of the same pairs: the second and the third found all of them in the cache.
  const distinct = new Set(service.asked.flat().map((pair) => JSON.stringify(pair)));
  expect(service.asked.flat()).toHaveLength(distinct.size);
  expect(distinct.size).toBeGreaterThan(1000);
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

/** The NLI of the golden rows. */
const tableImage: Nli = (premises) => (hypotheses) => {
  const image = premises.map((premise) =>
    hypotheses.map((hypothesis) => tableNli([premise, hypothesis])),
  );
  return {
    ent: image.map((row) => row.map(({ ent }) => ent)),
    con: image.map((row) => row.map(({ con }) => con)),
  };
};

/** The parts that an NLI is asked about. */
function chunksOf(text: string, granularity: Granularity, limit: number): string[] {
  const seen: string[] = [];
  const options = { granularity, maxContextSentences: limit, use: 'ent' } as const;
  summacZs(text, options, (premises) => {
    seen.push(...premises);
    return tableImage(premises);
  });
  return seen;
}

function isDeepEqual(left: readonly string[], right: readonly string[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
