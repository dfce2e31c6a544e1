import { expect, test } from 'vitest';
import { createEngines } from '../../agents/judges/engines.ts';
import type { JudgedRow } from '../../agents/judges/types/judge.ts';
import { questionOf } from '../../agents/judges/types/question.ts';
import { capabilities, createJudge, judgeOf } from '../../agents/judges/types/table.ts';
import { Profiles } from '../../shared/contract/peer.ts';

const { signal } = new AbortController();
const engines = createEngines(Profiles.parse({}));
/** Those behind which nothing must stand. */
const alone = capabilities(Profiles.parse({}));
const row: JudgedRow = {
  instruction: null,
  context: 'The quick brown fox.',
  question: 'What colour?',
  references: ['brown'],
};
const ask = (type: string, asked: JudgedRow, answer: string, options = {}) =>
  createJudge(type, options, engines).judge(asked, answer, signal);

test('each type answers with its value and its raw details', async () => {
  const details = { em: 0, f1: 2 / 3 };
  expect(await ask('exact-match', row, 'brown fox')).toEqual({
    outcome: 'scored',
    value: 0,
    details,
  });
  expect(await ask('squad-f1', row, 'brown fox')).toEqual({
    outcome: 'scored',
    value: 2 / 3,
    details,
  });
  expect(await ask('span-coverage', row, 'brown fox')).toEqual({
    outcome: 'scored',
    value: 1,
    details: { span: 1, unigram: 1, bigram: 1 },
  });
  expect(await ask('rouge', row, 'brown fox', { variant: 'rouge2' })).toEqual({
    outcome: 'scored',
    value: 0,
    details: {
      rouge1: [0.5, 1, 2 / 3],
      rouge2: [0, 0, 0],
      rougeL: [0.5, 1, 2 / 3],
      rougeLsum: [0.5, 1, 2 / 3],
    },
  });
  expect(await ask('summac-zs', row, 'A quick brown fox. A slow red hen.')).toEqual({
    outcome: 'scored',
    value: 0.5,
    details: { raw: 0.5, perSentence: [1, 0] },
  });
  const constraints = [{ type: 'case', value: 'upper' } as const];
  expect(await ask('verifiable', { ...row, constraints }, 'brown')).toEqual({
    outcome: 'scored',
    value: 0,
    details: { passed: [], failed: ['case upper'] },
  });
  expect(await ask('rating-parser', row, 'Rating: [[7]]')).toEqual({
    outcome: 'scored',
    value: 0.7,
    details: { rating: 7 },
  });
  expect(await ask('rating-parser', row, 'Rating: [[0]]', { mode: 'reference' })).toEqual({
    outcome: 'unscored',
    reason: 'the rating "0" is no number from 1 to 10',
    cause: 'malformed',
    details: { rating: 0 },
  });
});

test('what cannot be judged is unscored with its reason, never a number', async () => {
  const nothing = { ...row, context: null, references: [] };
  for (const type of alone) {
    const answer = await ask(type, nothing, 'brown');
    expect(answer, type).toMatchObject({ outcome: 'unscored' });
    expect(answer, type).not.toHaveProperty('value');
  }
});

test('one span judge measures each answer against the context of its own row', async () => {
  const judge = createJudge('span-coverage', {}, engines);
  for (const [context, expected] of [
    ['red fox', 0],
    ['brown fox', 1],
    ['', 0],
    ['brown', 1],
  ] as const)
    expect(await judge.judge({ ...row, context }, 'brown', signal)).toMatchObject({
      value: expected,
    });
});

test('SummaC reads the question before the context, and never scores below 0', async () => {
  const context = 'The fox did not sleep.';
  const asked = { ...row, context, question: 'Nobody asked anything.' };
  expect(await ask('summac-zs', asked, 'Nobody asked.')).toMatchObject({ value: 1 });
  expect(await ask('summac-zs', asked, 'The fox did sleep.')).toMatchObject({
    value: 0,
    details: { raw: -1, perSentence: [-1] },
  });
  expect(await ask('summac-zs', { ...asked, question: null }, 'Nobody asked.')).toMatchObject({
    value: 0,
  });
  expect(await ask('summac-zs', asked, '')).toMatchObject({ outcome: 'scored', value: 0 });
});

test('the fingerprint depends on type and options, not on name, axis or defaults spelled out', async () => {
  const spec = { name: 'em', axis: 'task', type: 'exact-match' } as const;
  const fingerprint = (changed: object) =>
    judgeOf({ ...spec, ...changed }, engines).fingerprint(signal);
  const given = await fingerprint({});
  expect(await fingerprint({ name: 'other', version: 'v1.1' })).toBe(given);
  expect(await fingerprint({ version: 'v2.0' })).not.toBe(given);
  const all = alone.map((type) => createJudge(type, {}, engines).fingerprint(signal));
  expect(new Set(await Promise.all(all)).size).toBe(alone.length);
});

test('a scorer is offered to judges of its own kind, and refused by name to others', async () => {
  const profiles = Profiles.parse({
    scorers: { near: { command: ['no-such-scorer'] }, far: { url: 'http://127.0.0.1:9' } },
  });
  const offered = capabilities(profiles);
  expect(offered.filter((offer) => offer.includes('@'))).toEqual(['http@far', 'command@near']);
  const scorers = createEngines(profiles);
  expect(() => createJudge('http', { scorer: 'near' }, scorers)).toThrow(
    'a judge of type http needs a scorer with a url, and the profile of "near" has a command',
  );
  expect(() => createJudge('command', { scorer: 'far' }, scorers)).toThrow('write type http');
  expect(() => createJudge('command', { scorer: 'nera' }, scorers)).toThrow(
    'unknown scorer "nera", the nearest known one is "near"',
  );
  await scorers[Symbol.asyncDispose]();
});

test('an unknown type or option is refused with the nearest known one', () => {
  expect(() => createJudge('exact-macth', {}, engines)).toThrow(
    'unknown judge type "exact-macth", the nearest known one is "exact-match"',
  );
  expect(() => createJudge('squad-f1', { versoin: 'v2.0' }, engines)).toThrow(
    'options of judge type squad-f1: unknown key "versoin", the nearest known one is "version"',
  );
  expect(() => createJudge('verifiable', { strict: true }, engines)).toThrow('there are none here');
  for (const nli of ['http://127.0.0.1:9', './model', '/models/nli'])
    expect(() => createJudge('summac-zs', { nli }, engines)).toThrow(
      'nli: URLs and paths belong to the nli profiles of a peer; name one',
    );
  expect(() => createJudge('summac-zs', { nli: 'vitc' }, engines)).toThrow(
    'unknown NLI profile "vitc": there are none here',
  );
  expect(() => createJudge('summac-zs', { granularity: 'word' }, engines)).toThrow(
    'granularity: write sentence, 2sents, paragraph, document or mixed, or two of them',
  );
});

test('a judge of instructions is shown what was said before', () => {
  const instruction = { ...row, instruction: 'And now?', context: null, question: null };
  expect(questionOf(instruction)).toBe('And now?');
  const history = [{ prompt: 'Say red.', completion: 'red' }];
  expect(questionOf({ ...instruction, history })).toBe(
    'User: Say red.\n\nAssistant: red\n\nUser: And now?',
  );
  expect(questionOf({ ...instruction, instruction: null, history })).toBeUndefined();
});
