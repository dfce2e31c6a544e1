import { expect, test } from 'vitest';
import { isCertain } from '../../agents/curator/selection/certain.ts';
import { countCandidates, scoreCandidates } from '../../agents/curator/selection/score.ts';
import { selectCandidate } from '../../agents/curator/selection/select.ts';
import { textId } from '../../shared/contract/ids.ts';
import type { Generation, SampleRequest } from '../../shared/contract/work.ts';
import { makeRunFile } from '../support/run.ts';

const file = makeRunFile();
const { select: policy } = file;
const draw = { seed: 1, round: 1, example: 'e'.repeat(32) };
const gpt = { name: 'gpt', axis: 'instruction', type: 'llm', provider: 'openai' } as const;
const judged = { ...file, judges: [gpt] };

function request(index: number): SampleRequest {
  const candidate = `${index}`.repeat(32);
  return { candidate, cells: [`t0.${index}`], temperature: 0.1, topK: 0, seed: index };
}

function generated(index: number, text: string): Generation {
  const { candidate } = request(index);
  return { outcome: 'generated', candidate, text, tokens: 1, finish: 'stop' };
}

const same = [generated(0, 'Yes.'), generated(1, 'Yes.')];

test('a selection is certain where all texts of a train example are the same and nothing reads their score', () => {
  expect(isCertain(policy, 'train', same)).toBe(true);
  expect(isCertain(policy, 'train', [...same, generated(2, 'No.')])).toBe(false);
  expect(isCertain(policy, 'dev', same)).toBe(false);
  expect(isCertain({ ...policy, minScore: 1 }, 'train', same)).toBe(false);
  expect(isCertain({ ...policy, keep: { perDataset: 2 } }, 'train', same)).toBe(false);
});

test('a certain example is kept without a score, and its candidates count as certain', () => {
  const certain = scoreCandidates(judged, 'instruction', [0, 1].map(request), same, {}, true);
  expect(countCandidates(certain)).toEqual({ planned: 2, scored: 0, certain: 2, unscored: {} });
  expect(selectCandidate(certain, policy, draw)).toMatchObject({
    candidate: request(0).candidate,
    text: 'Yes.',
    excluded: null,
    score: null,
    reason: expect.stringContaining('no paid judge was asked') as string,
  });
});

test('a certain example with a blank text is left out', () => {
  const blank = scoreCandidates(judged, 'instruction', [request(0)], [generated(0, ' ')], {}, true);
  expect(selectCandidate(blank, policy, draw)).toMatchObject({ excluded: 'blank answer' });
});

test('what a judge that only computes says of a certain example is its score', () => {
  const verdict = { outcome: 'scored', value: 1, details: {} } as const;
  const verdicts = { rules: new Map([[textId('Yes.'), verdict]]) };
  const one = scoreCandidates(file, 'instruction', [request(0)], same.slice(0, 1), verdicts, true);
  expect(selectCandidate(one, policy, draw)).toMatchObject({ text: 'Yes.', score: 2 });
});
