import { expect, test } from 'vitest';
import { lexicalNli } from '../../shared/scoring/lexical-nli.ts';
import { auroc, mean } from '../support/agreement.ts';

/** Statements in an invented vocabulary: names, verbs and values that stand in no world of ours. */
const passages = [
  [
    'Zork Plimmet brandles copper flutes.',
    'The guild of Zork Plimmet is Marrow Gate.',
    'Una Trask brandles velvet drums.',
    'Una Trask was born in Hollow Fen in 1840.',
    'Fog covered the ferry all morning.',
  ],
  [
    'Ossian Vire paints seven lanterns a week.',
    'Pelka Dorn studied under Ossian Vire.',
    'The workshop of Pelka Dorn burned down in 1911.',
    'Pelka Dorn never sold dyed silk.',
    'Ossian Vire, who was shy, sold pine resin.',
  ],
] as const;

const supported: [0 | 1, string][] = [
  [0, 'Zork Plimmet brandles copper flutes.'],
  [0, 'The guild of Zork Plimmet is Marrow Gate.'],
  [0, 'Una Trask was born in 1840.'],
  [0, 'Velvet drums are brandled by Una Trask.'],
  [0, 'The craft of Zork Plimmet is copper flutes.'],
  [0, 'Zork Plimmet belongs to Marrow Gate.'],
  [0, "Una Trask's birthplace is Hollow Fen."],
  [1, 'Ossian Vire sold pine resin.'],
  [1, 'Pelka Dorn did not sell dyed silk.'],
  [1, 'The workshop burned down in 1911.'],
  [1, 'Ossian Vire taught Pelka Dorn.'],
  [1, 'Every week Ossian Vire paints seven lanterns.'],
];

const unsupported: [0 | 1, string][] = [
  // The value of somebody else, and of the same person in another respect.
  [0, 'Zork Plimmet brandles velvet drums.'],
  [0, 'Una Trask brandles copper flutes.'],
  [0, 'The guild of Una Trask is Marrow Gate.'],
  [0, 'The guild of Zork Plimmet is copper flutes.'],
  [1, 'Pelka Dorn sold pine resin.'],
  // Invented values and names.
  [0, 'Zork Plimmet brandles copper spoons.'],
  [0, 'Zork Plimmet brandles silver flutes.'],
  [0, 'The craft of Una Trask is wicker chairs.'],
  [0, 'Mabel Trask brandles velvet drums.'],
  [1, 'Ossian Vire sold amber beads.'],
  // Remarks.
  [0, 'Everybody admires such skill.'],
  [0, 'Una Trask brandles velvet drums, and crowds adore the sound.'],
  [1, 'It was a splendid time to be alive.'],
  // Another number, and the opposite.
  [0, 'Una Trask was born in Hollow Fen in 1841.'],
  [1, 'Ossian Vire paints nine lanterns a week.'],
  [1, 'The workshop of Pelka Dorn burned down in 1912.'],
  [1, 'Pelka Dorn sold dyed silk.'],
  [1, 'Ossian Vire was not shy.'],
];

function relate(premises: readonly string[], hypothesis: string): { ent: number; con: number } {
  const { ent, con } = lexicalNli(premises)([hypothesis]);
  return { ent: Math.max(...ent.flat()), con: Math.max(...con.flat()) };
}
const scores = (pairs: typeof supported): number[] =>
  pairs.map(([passage, text]) => {
    const { ent, con } = relate(passages[passage], text);
    return Math.max(0, ent - con);
  });

test('what a passage does not support gets little, and less than what it does', () => {
  expect(mean(scores(unsupported))).toBeLessThan(0.15);
  expect(mean(scores(supported))).toBeGreaterThan(0.8);
  expect(auroc(scores(supported), scores(unsupported))).toBeGreaterThan(0.98);
});

test('a sentence of the context is certain, whatever else the context says', () => {
  for (const passage of passages)
    for (const sentence of passage) expect(relate(passage, sentence)).toEqual({ ent: 1, con: 0 });
});

test('another number and the opposite are contradicted, other things are not', () => {
  const [first, second] = passages;
  expect(relate(first, 'Una Trask was born in Hollow Fen in 1841.').con).toBeGreaterThan(0.5);
  expect(relate(second, 'Pelka Dorn sold dyed silk.').con).toBeGreaterThan(0.9);
  expect(relate(first, 'Zork Plimmet brandles velvet drums.').con).toBe(0);
});

test('a word before a name is no part of it, another first name is', () => {
  const premises = ['Mabel Trask paints lanterns.', 'Fog covered the ferry.'];
  expect(relate(premises, 'Yesterday Mabel Trask paints lanterns.').ent).toBeGreaterThan(0.8);
  expect(relate(premises, 'Una Trask paints lanterns.').ent).toBeLessThan(0.3);
});

test('a question states nothing, and one false sentence spoils the whole text', () => {
  const text = 'Does Una Trask brandle copper flutes? Una Trask left.';
  expect(relate([text], 'Una Trask brandles copper flutes.').ent).toBeLessThan(0.3);
  const [first] = passages;
  const mixed = `${first[0]} Una Trask brandles copper flutes.`;
  expect(relate([first.join(' ')], mixed).ent).toBeLessThan(0.3);
  expect(relate([first.join(' ')], `${first[0]} ${first[1]}`).ent).toBe(1);
});

test('texts without content words or in other scripts are no error', () => {
  for (const text of ['', '...', 'It is what it is.', '首都は東京です。'])
    expect(relate(['A premise with words.'], text)).toEqual({ ent: 0, con: 0 });
  expect(relate(['首都は東京です。'], '首都は東京です。').ent).toBe(1);
});
