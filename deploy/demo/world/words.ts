import type { Vocabulary } from './vocabulary.ts';

/** The default vocabulary. */
export const english: Vocabulary = {
  firstNames: split(
    'Ada Ben Cora Dan Ella Finn Gwen Hugo Iris Jack Kira Liam Mira Nils Olga Paul Quinn Rosa Sven Tara '.concat(
      'Uma Vera Walt Xena Yara Zeno Anna Boris Clara David Emma Felix Greta Henry Ida Jonas Karin Leo Mona Otto',
    ),
  ),
  lastNames: split(
    'Abbott Baker Carter Dalton Ellis Foster Grant Hayes Irving Jensen Keller Lawson Mercer Norton Osborn '.concat(
      'Parker Quigley Ramsey Sutton Turner Usher Vaughn Walker Yates Zimmer Archer Barlow Colby Drake Emery ',
      'Fisher Gibson Harper Ingram Jarvis Kendall Lowell Monroe Nash Porter',
    ),
  ),
  relations: {
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
      newQuestion: 'Which is the city of {name}?',
      nouns: ['city', 'home'],
      remark: 'Visitors love going there.',
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
      newQuestion: 'Which trade is done by {name}?',
      nouns: ['trade', 'work'],
      remark: 'Somebody should pay well.',
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
      newQuestion: 'Which meal is liked by {name}?',
      nouns: ['meal', 'food'],
      remark: 'Everybody wants some more.',
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
      newQuestion: 'Which pets belong to {name}?',
      nouns: ['pets', 'animals'],
      remark: 'They make good friends.',
    },
  },
  fillerSubjects: split('Rain Snow Music Wind Fog Mail'),
  fillerEvents: [
    'came late',
    'came again at night',
    'stopped at noon',
    'came early',
    'filled every street',
    'stopped again early',
  ],
  times: [
    ['two', 2],
    ['three', 3],
  ],
  commands: {
    repeat: ['Say {words} {times} times.', 'Repeat {words} {times} times.'],
    capitals: ['Write {words} in capitals.', 'Say {words} in capitals.'],
    list: ['List {one} {two} and {three}.', 'Write a list of {one} {two} and {three}.'],
    without: ['Say {words} but not {left}.', 'Write {words} without {left}.'],
    otherName: ['Give another name for {value}.', 'Say {value} in other words.'],
    oneFact: ['Name the {noun} of {name}.', 'Tell me the {noun} of {name}.'],
    twoFacts: [
      'Tell me two things about {name}: {one} and {two}.',
      'Write about {name}: {one} and {two}.',
    ],
  },
  inSentence: 'Write a sentence.',
  summary: ['What does the text say about {name}?', 'Sum up the text about {name}.'],
};

function split(words: string): string[] {
  return words.trim().split(' ');
}

function aliases(pairs: string): Record<string, string> {
  return Object.fromEntries(split(pairs).map((pair) => pair.split('/') as [string, string]));
}
