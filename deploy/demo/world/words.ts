/**
 * The words of the micro-world and the sentences made of them. Every word is one token of the embedded engine, so words are
 * set apart by spaces, and no word belongs to two lists: what a word means never depends on luck.
 */

export const relations = ['city', 'job', 'food', 'pet'] as const;
export type Relation = (typeof relations)[number];

export interface RelationWords {
  /** First words of the two-word values. */
  first: readonly string[];
  /** Second words, each with the alias that annotators write for it. No alias ever stands in a passage. */
  second: Readonly<Record<string, string>>;
  /** Statements of a passage. One word stands between name and value, so that the engine's convolution of four tokens spans them. */
  statements: readonly string[];
  /** Wordings of a question on a passage. Closed-book, pre-training asks in the first and `instruct` in the second. */
  questions: readonly [string, string];
  /** What a closed-book command calls the relation. */
  noun: string;
}

export const relationWords: Readonly<Record<Relation, RelationWords>> = {
  city: {
    first: split('Red Stone North South Silver Green Old New Iron'),
    second: aliases(
      'Harbor/Haven Bridge/Crossing Hill/Ridge Lake/Mere Forest/Woods'.concat(
        ' Field/Meadow Valley/Dale River/Stream Beach/Shore',
      ),
    ),
    statements: [
      '{name} inhabits {value}.',
      'The city of {name} is {value}.',
      'The home of {name} is {value}.',
    ],
    questions: ['What is the city of {name}?', 'Which place is home to {name}?'],
    noun: 'city',
  },
  job: {
    first: split('boat glass piano tower garden paper metal rail clock'),
    second: aliases(
      'repair/mending design/drafting cleaning/washing trading/dealing testing/checking'.concat(
        ' painting/coloring teaching/coaching building/making planning/scheduling',
      ),
    ),
    statements: [
      '{name} does {value}.',
      '{name} learned {value}.',
      'The trade of {name} is {value}.',
    ],
    questions: ['What is the trade of {name}?', 'Which work is done by {name}?'],
    noun: 'trade',
  },
  food: {
    first: split('spicy sweet fresh salted smoked creamy crispy roasted frozen'),
    second: aliases(
      'noodles/pasta soup/broth bread/loaves beans/legumes pies/tarts stew/casserole'.concat(
        ' cabbage/greens berries/fruit sausages/bangers',
      ),
    ),
    statements: [
      '{name} eats {value}.',
      '{name} ordered {value}.',
      'The meal of {name} is {value}.',
    ],
    questions: ['What is the meal of {name}?', 'Which food is liked by {name}?'],
    noun: 'meal',
  },
  pet: {
    first: split('grey tiny spotted brown young lazy noisy fluffy striped'),
    second: aliases(
      'cats/felines dogs/hounds birds/fowl horses/ponies rabbits/bunnies pigs/hogs'.concat(
        ' snakes/serpents mice/rodents goats/kids',
      ),
    ),
    statements: [
      '{name} keeps {value}.',
      '{name} owns {value}.',
      'The pets of {name} are {value}.',
    ],
    questions: ['What are the pets of {name}?', 'Which animals belong to {name}?'],
    noun: 'pets',
  },
};

export const firstNames = split(
  'Ada Ben Cora Dan Ella Finn Gwen Hugo Iris Jack Kira Liam Mira Nils Olga Paul Quinn Rosa Sven Tara '.concat(
    'Uma Vera Walt Xena Yara Zeno Anna Boris Clara David Emma Felix Greta Henry Ida Jonas Karin Leo Mona Otto',
  ),
);

export const lastNames = split(
  'Abbott Baker Carter Dalton Ellis Foster Grant Hayes Irving Jensen Keller Lawson Mercer Norton Osborn '.concat(
    'Parker Quigley Ramsey Sutton Turner Usher Vaughn Walker Yates Zimmer Archer Barlow Colby Drake Emery ',
    'Fisher Gibson Harper Ingram Jarvis Kendall Lowell Monroe Nash Porter',
  ),
);

/** A filler sentence is one of these subjects with one of these events; it says nothing about anybody. */
export const fillerSubjects = split('Rain Snow Music Wind Fog Mail');
export const fillerEvents = [
  'came late',
  'came again at night',
  'stopped at noon',
  'came early',
  'filled every street',
  'stopped again early',
];

/** Plain nouns that word-form commands play with. */
export const commandWords: readonly string[] = (['job', 'food', 'pet'] as const).flatMap(
  (relation) => Object.keys(relationWords[relation].second),
);

/** The nouns that are also known in capitals. */
export const capitalWords: readonly string[] = (['food', 'pet'] as const).flatMap((relation) =>
  Object.keys(relationWords[relation].second),
);

export const times: readonly (readonly [string, number])[] = [
  ['two', 2],
  ['three', 3],
];

/** Puts `name` and, where the template has a place for it, `value` into a template. */
export function fill(template: string, name: string, value = ''): string {
  return template.replace('{name}', name).replace('{value}', value);
}

function split(words: string): string[] {
  return words.trim().split(' ');
}

function aliases(pairs: string): Record<string, string> {
  return Object.fromEntries(split(pairs).map((pair) => pair.split('/') as [string, string]));
}
