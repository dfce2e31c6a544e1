import { describe, expect, test } from 'vitest';
import {
  countWords,
  measureAnswers,
  type MeasuredAnswer,
  type RoundAnswers,
} from '../../coordinator/cli/report/answers.ts';
import { makeReport } from '../../coordinator/cli/report/collect.ts';
import { detectableDifferences } from '../../coordinator/cli/report/detectable.ts';
import { digestsOf } from '../../coordinator/cli/report/digests.ts';
import { equalLength } from '../../coordinator/cli/report/equal-length.ts';
import { faithfulnessByLength } from '../../coordinator/cli/report/faithfulness-by-length.ts';
import { averageLengths } from '../../coordinator/cli/report/lengths.ts';
import { markdownTable } from '../../coordinator/cli/report/markdown.ts';
import { renderReport } from '../../coordinator/cli/report/render.ts';
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { digestOf } from '../../shared/contract/ids.ts';
import { Dataset } from '../../shared/contract/run-file.ts';
import type { Answer } from '../../shared/contract/steps.ts';
import { checkpoints, runFile, wholeJournal } from '../support/journal.ts';

const entries = wholeJournal.map((fact, position) => ({ position, fact, at: position }));

function answer(changes: Partial<MeasuredAnswer> = {}): MeasuredAnswer {
  return { dataset: 'span', example: 'e1', words: 2, goldWords: 2, values: {}, ...changes };
}

const datasets = [
  Dataset.parse({ name: 'span', kind: 'extractive_qa', test: 'a' }),
  Dataset.parse({ name: 'sum', kind: 'summarization', test: 'b' }),
  Dataset.parse({ name: 'instruct', kind: 'instruction', test: 'c' }),
];

describe('answers', () => {
  test('are measured on test only, in words; one that failed has no length', async () => {
    const example = 'a'.repeat(32);
    async function* answers(): AsyncGenerator<Answer> {
      const common = { dataset: 'span', example, values: { faithfulness: 1 }, gold: 'in Oslo' };
      yield await Promise.resolve({ ...common, split: 'dev', text: 'Oslo' });
      yield { ...common, split: 'test', text: ' Oslo,\nNorway  now ' };
      yield { ...common, split: 'test', text: null };
      yield { ...common, split: 'test', text: '', gold: null };
    }
    expect(await measureAnswers(answers())).toMatchObject([
      { words: 3, goldWords: 2, values: { faithfulness: 1 } },
      { words: 0, goldWords: null },
    ]);
  });

  test('of nothing but white space have no words', () => {
    expect([countWords(''), countWords(' \n'), countWords('a b')]).toEqual([0, 0, 2]);
  });
});

describe('truncation', () => {
  test('has the counts of each dataset, and says so where nothing was measured', () => {
    const counts = { examples: 24, shortened: 6, refused: 2, tokensCut: 1234 };
    const measured = entries.map((entry) =>
      entry.fact.fact === 'run.opened'
        ? {
            ...entry,
            fact: { ...entry.fact, truncation: { window: 2048, datasets: { span: counts } } },
          }
        : entry,
    );
    const text = renderReport(makeReport(measured, [], () => []));
    expect(text).toContain('A prompt and its answer have 2048 tokens.');
    expect(text).toContain('| span | 24 | 6 | 2 | 1234 |');
    expect(renderReport(makeReport(entries, [], () => []))).toContain('Not measured');
  });
});

describe('answer lengths', () => {
  test('are means by dataset and round, beside the gold answers', () => {
    const rounds: RoundAnswers[] = [0, 1].map((round) => ({
      round,
      answers: [
        answer({ words: 2 + round, goldWords: 1 }),
        answer({ words: 4 + round, goldWords: null }),
        answer({ dataset: 'instruct', words: 7 }),
      ],
    }));
    expect(averageLengths(rounds, ['span', 'instruct', 'sum'])).toEqual({
      gold: { span: 1, instruct: 2, sum: null },
      rounds: [
        { round: 0, words: { span: 3, instruct: 7, sum: null } },
        { round: 1, words: { span: 4, instruct: 7, sum: null } },
      ],
    });
  });
});

describe('faithfulness by length', () => {
  test('is apart for answers up to the gold length, longer ones, and those more than 100 words longer', () => {
    const excess = (words: number, faithfulness: number) =>
      answer({ dataset: 'sum', goldWords: 10, words: 10 + words, values: { faithfulness } });
    const rounds = [
      {
        round: 0,
        answers: [
          excess(-3, 1),
          excess(0, 0.5),
          excess(1, 0.25),
          excess(100, 0.75),
          excess(101, 0),
        ],
      },
    ];
    const [abstractive, extractive] = faithfulnessByLength(rounds, datasets);
    expect(abstractive).toEqual({
      kinds: 'abstractive',
      rounds: [
        {
          round: 0,
          short: { n: 2, mean: 0.75 },
          longer: { n: 3, mean: 1 / 3 },
          muchLonger: { n: 1, mean: 0 },
        },
      ],
    });
    expect(extractive?.rounds[0]?.short).toEqual({ n: 0, mean: null });
  });

  test('leaves out rows without a gold answer or without a verdict', () => {
    const answers = [answer({ goldWords: null, values: { faithfulness: 1 } }), answer()];
    const all = faithfulnessByLength([{ round: 0, answers }], datasets);
    expect(all.every(({ rounds }) => rounds[0]?.short.n === 0)).toBe(true);
  });
});

describe('the instruction score at equal length', () => {
  const of = (example: string, words: number, instruction?: number): MeasuredAnswer =>
    answer({
      dataset: 'instruct',
      example,
      words,
      values: instruction === undefined ? {} : { instruction },
    });

  test('compares the same rows under start and round, and those whose length changed by at most 10 words', () => {
    const rounds = [
      { round: 0, answers: [of('a', 20, 1), of('b', 20, 1), of('c', 20, 1), of('d', 20)] },
      { round: 1, answers: [of('a', 10, 1), of('b', 31, 0), of('c', 30, 0.5), of('d', 20, 1)] },
    ];
    expect(equalLength(rounds)).toEqual([
      {
        round: 1,
        all: { n: 3, start: 1, round: 0.5 },
        equal: { n: 2, start: 1, round: 0.75 },
      },
    ]);
  });

  test('is nothing before the start was evaluated', () => {
    expect(equalLength([{ round: 1, answers: [of('a', 1, 1)] }])).toEqual([]);
  });
});

describe('the smallest difference that is detected', () => {
  const decided = (lower: number, upper: number): FactOf<'decision.made'> => {
    const decision = wholeJournal.find((fact) => fact.fact === 'decision.made');
    if (decision?.fact !== 'decision.made') throw new Error('the journal has a decision');
    const faithfulness = { mean: (lower + upper) / 2, lower, upper };
    return { ...decision, differences: { faithfulness, instruction: null, task: null } };
  };

  test('is 2.8 standard errors of the paired bootstrap, on average over the decisions', () => {
    const [only, ...others] = detectableDifferences(
      [decided(0, 0.0392), decided(0.1, 0.1784)],
      undefined,
    );
    expect(others).toEqual([]);
    expect(only?.standardError).toBeCloseTo(0.015, 10);
    expect(only?.smallest).toBeCloseTo(0.042, 10);
  });

  test('lets a true difference of that size pass the gate four times in five', () => {
    // With a normal estimate of standard error s around the true difference d, its lower bound is above 0 when it exceeds 1.96 s.
    const s = 0.01;
    const [only] = detectableDifferences([decided(-1.96 * s, 1.96 * s)], undefined);
    const smallest = only?.smallest ?? 0;
    const steps = 200_001;
    let passed = 0;
    let all = 0;
    for (let step = 0; step < steps; step += 1) {
      const z = -6 + (12 * step) / (steps - 1);
      const density = Math.exp((-z * z) / 2);
      all += density;
      if (smallest + z * s > 1.96 * s) passed += density;
    }
    expect(passed / all).toBeCloseTo(0.8, 2);
  });
});

test('every digest of the journal is named, and every judge by its specification', () => {
  const digests = digestsOf(wholeJournal, (judge) => judge);
  const all = wholeJournal.flatMap((fact) =>
    ['digest', 'dataset', 'checkpoint', 'evaluation'].flatMap((key) => {
      const value = (fact as Record<string, unknown>)[key];
      return typeof value === 'string' ? [value] : [];
    }),
  );
  expect(new Set(digests.map(({ digest }) => digest))).toEqual(
    new Set([...all, ...runFile.judges.map((judge) => digestOf(judge))]),
  );
  expect(digests).toContainEqual({ what: 'r1: checkpoint', digest: checkpoints[2] });
});

test('a checkpoint that the run has released is told with the round', () => {
  const released: Fact = {
    fact: 'checkpoints.released',
    step: 'r3',
    round: 3,
    checkpoints: [checkpoints[4] ?? ''],
  };
  expect(digestsOf([...wholeJournal, released], (judge) => judge)).toContainEqual({
    what: 'r3: checkpoint (not kept after round 3)',
    digest: checkpoints[4],
  });
});

test('a cell of a Markdown table cannot break the table', () => {
  expect(markdownTable(['a', 'b'], [['x | y\nz', 1]])).toBe(
    '| a | b |\n| --- | --- |\n| x \\| y z | 1 |',
  );
});

describe('the report', () => {
  const cells = { 't0.1': { candidates: 40, texts: 40, own: 10, wins: 20 } };
  const journal = entries.map((entry) =>
    entry.fact.fact === 'dataset.sealed' && entry.fact.step === 'r2'
      ? { ...entry, fact: { ...entry.fact, cells } }
      : entry,
  );
  const rounds = [0, 1, 2, 3].map((round) => ({
    round,
    answers: [answer({ values: { faithfulness: 0.5 } })],
  }));

  test('has every section of a finished run', () => {
    const text = renderReport(makeReport(journal, rounds, () => []));
    for (const words of [
      '# Run tested\n',
      'Stopped (converged): 2 rounds in a row without promotion',
      `To ship: round 2, checkpoint \`${checkpoints[3]}\``,
      '| 2 \\* | 0.710 [0.700, 0.720] | – | 0.800 [0.790, 0.810] | 0.600 [0.590, 0.610] | keep |',
      '- round 2: **keep**: planted',
      '| gold answers | 2.0 |',
      '| extractive | start | 0.500 (1) | – | – |',
      '| t0.1 | 50 % · 100 % · 25 % (40) |',
      '| 3 | 28 | 0 | none | 4 | none | 0 | 0 |',
      `| run file | \`${digestOf(runFile)}\` |`,
    ])
      expect(text).toContain(words);
    expect(text).not.toContain('undefined');
    expect(text).not.toContain('NaN');
  });

  test.each(wholeJournal.map((_, index) => index + 1))(
    'of the first %i facts shows what there is so far',
    (count) => {
      const text = renderReport(makeReport(entries.slice(0, count), [], () => []));
      expect(text).toMatch(/^# Run tested\n/);
      expect(text).not.toMatch(/undefined|NaN|null/);
      expect(text.includes('Not finished')).toBe(count < wholeJournal.length);
    },
  );
});
