import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type LoadedDataset, loadDatasets } from '../../agents/curator/dataset/load.ts';
import { plainChat } from '../support/chat-models.ts';
import { makeRunFile } from '../support/run.ts';

const root = mkdtempSync(join(tmpdir(), 'curator-load-'));
afterAll(() => rmSync(root, { recursive: true }));

const span = { name: 'span', kind: 'extractive_qa' as const };
const instruct = { name: 'instruct', kind: 'instruction' as const };

function question(about: string, changes: object = {}): object {
  const context = `${about} lives in Oslo.`;
  return { context, question: `Where does ${about} live?`, references: ['Oslo'], ...changes };
}

function command(text: string, changes: object = {}): object {
  return { instruction: text, constraints: [{ type: 'word_count', max: 3 }], ...changes };
}

/** Writes the files and loads the datasets, with the judges of the test's run. */
async function load(
  files: Record<string, readonly object[] | string>,
  datasets: Parameters<typeof makeRunFile>[0],
): Promise<LoadedDataset[]> {
  const folder = mkdtempSync(join(root, 'run-'));
  for (const [name, rows] of Object.entries(files))
    writeFileSync(
      join(folder, name),
      typeof rows === 'string' ? rows : rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
  return loadDatasets(makeRunFile(datasets), folder);
}

async function problemOf(loading: Promise<unknown>): Promise<string> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error('it was loaded');
}

test('examples come by dataset and part, ordered by id, whatever the order of the rows', async () => {
  const rows = ['Ada', 'Bob', 'Eve'].map((name) => question(name));
  const parts = { train: 'train', dev: 'dev', test: 'test' };
  const files = { dev: [question('Dan')], test: [question('Tom')] };
  const datasets = [{ ...span, ...parts, perRound: 2 }];
  const [one] = await load({ ...files, train: rows }, { datasets });
  const [other] = await load({ ...files, train: rows.toReversed() }, { datasets });
  expect(one).toEqual(other);
  expect(one?.splits.train.map(({ id }) => id)).toEqual(
    one?.splits.train.map(({ id }) => id).toSorted(),
  );
  expect(one).toMatchObject({ seen: true, heldOut: false, perRound: 2, identical: 0 });
  expect(one?.splits.dev.map((example) => example.question)).toEqual(['Where does Dan live?']);
});

test('identical rows are one example, counted; rows of one prompt with other references stay two (dup-prompt-text)', async () => {
  const train = [
    question('Ada'),
    question('Ada', { id: 'again' }),
    question('Ada', { references: ['Oslo, Norway'] }),
    question('Bob'),
  ];
  const [loaded] = await load(
    { train, dev: [question('Dan')] },
    { datasets: [{ ...span, train: 'train', dev: 'dev' }] },
  );
  expect(loaded?.splits.train).toHaveLength(3);
  expect(loaded?.identical).toBe(1);
});

test('every bad row is named by file and line with what it needs, all at once', async () => {
  const train = [
    question('Ada'),
    question('Bob', { context: null }),
    question('Cid', { context: ' ' }),
    question('Dan', { question: null }),
    question('Eve', { references: [''] }),
    question('Fay', { references: 'Oslo' }),
  ]
    .map((row) => JSON.stringify(row))
    .join('\r\n');
  const commands = [
    command('Say one.'),
    command(''),
    command('Say two.', { constraints: [] }),
    command('Say three.', { constraints: [{ type: 'count' }] }),
    command('Say four.', { question: 'What?' }),
  ];
  const problem = await problemOf(
    load(
      { train: `\uFEFF${train}\nnot json`, dev: [question('Zoe')], commands },
      {
        datasets: [
          { ...span, train: 'train', dev: 'dev' },
          { ...instruct, train: 'commands' },
        ],
      },
    ),
  );
  expect(problem.replaceAll(/\S+\/(?=train|commands)/g, '')).toBe(
    `the datasets of run test cannot be used:
- train:2: a row of kind extractive_qa needs \`context\`
- train:3: a row of kind extractive_qa needs \`context\`
- train:4: a row of kind extractive_qa needs \`question\`
- train:5: a judge of the axis task needs at least one of \`references\` that is not blank
- train:6: references: Invalid input: expected array, received string
- train:7: Unexpected token 'o', "not json" is not valid JSON
- commands:2: a row of kind instruction needs \`instruction\`
- commands:3: a judge of type verifiable needs at least one of \`constraints\`
- commands:4: constraints.0.word: Invalid input: expected string, received undefined
- commands:5: a row of kind instruction has no \`question\`; put it into \`instruction\``,
  );
});

test('a file of nothing but bad rows ends the listing after twenty', async () => {
  const problem = await problemOf(
    load({ train: '{}\n'.repeat(500) }, { datasets: [{ ...span, train: 'train' }] }),
  );
  expect(problem.split('\n- ')).toHaveLength(21);
  expect(problem).toMatch(/\(stopped after 20; there may be more\)$/);
});

test('a part without rows and a file that is not there are refused', async () => {
  const empty = load({ train: '\n\n' }, { datasets: [{ ...span, train: 'train' }] });
  expect(await problemOf(empty)).toContain('train: no row that can be used as train of span');
  const missing = load({}, { datasets: [{ ...span, train: 'gone.jsonl' }] });
  expect(await problemOf(missing)).toMatch(/cannot read .*gone\.jsonl: ENOENT/);
});

test('a dev or test row with a prompt or a context of train is refused by name (J-LEAK)', async () => {
  const problem = await problemOf(
    load(
      {
        train: [question('Ada'), question('Bob')],
        dev: [question('Dan'), question('Ada', { references: ['Norway'] })],
        test: [question('Tom'), question('Bob', { question: 'Who lives in  Oslo?' })],
        strange: [question('Bob')],
      },
      {
        datasets: [
          { ...span, train: 'train', dev: 'dev', test: 'test' },
          { ...span, name: 'strange', test: 'strange' },
        ],
      },
    ),
  );
  expect(problem.replaceAll(/\S+\/(?=train|dev|test|strange)/g, '')).toBe(
    `the datasets of run test cannot be used:
- dev:2: this row to evaluate on has the prompt of train:1, which is trained on; remove one of them
- test:2: this row to evaluate on has the context of train:2, which is trained on; remove one of them
- strange:1: this row to evaluate on has the prompt of train:2, which is trained on; remove one of them`,
  );
});

test('a test row with the prompt of a dev row is refused', async () => {
  const files = { train: [question('Ada')], dev: [question('Dan')], test: [question('Dan')] };
  const datasets = [{ ...span, train: 'train', dev: 'dev', test: 'test' }];
  expect(await problemOf(load(files, { datasets }))).toContain(
    'this test row has the prompt of the dev row',
  );
});

test('without a dev part 5 % of train are held out, by context and the same again', async () => {
  const train = Array.from({ length: 200 }, (_, index) =>
    question(`person ${Math.floor(index / 4)}`, { question: `Question ${index}?` }),
  );
  const datasets = [{ ...span, train: 'train' }];
  const [one] = await load({ train }, { datasets });
  const [again] = await load({ train: train.toReversed() }, { datasets });
  expect(one).toEqual(again);
  expect(one?.heldOut).toBe(true);
  expect(one?.splits.dev).toHaveLength(12);
  expect(one?.splits.train).toHaveLength(188);
  const contexts = new Set(one?.splits.train.map(({ context }) => context));
  for (const { context } of one?.splits.dev ?? []) expect(contexts.has(context)).toBe(false);
  const [other] = await load({ train }, { datasets, seed: 8 });
  expect(other?.splits.dev).not.toEqual(one?.splits.dev);
});

test('a context that two datasets train on is held out of both', async () => {
  const train = (ask: string): object[] =>
    Array.from({ length: 60 }, (_, index) =>
      question(`p${index}`, { question: `${ask} ${index}?` }),
    );
  const [one, two] = await load(
    { one: train('Where'), two: train('Which town') },
    {
      datasets: [
        { ...span, name: 'one', train: 'one' },
        { ...span, name: 'two', train: 'two' },
      ],
    },
  );
  expect(one?.splits.dev.map(({ context }) => context).toSorted()).toEqual(
    two?.splits.dev.map(({ context }) => context).toSorted(),
  );
});

test('a dataset of one context cannot be split and asks for a dev part', async () => {
  const train = [question('Ada'), question('Ada', { question: 'Who?' })];
  expect(await problemOf(load({ train }, { datasets: [{ ...span, train: 'train' }] }))).toContain(
    'dataset span: too few rows to hold out a dev part; give `dev`',
  );
});

test('instruction rows that come with a context are dropped and counted', async () => {
  const train = [
    command('Say one.'),
    command('Sum up.', { context: 'Ada lives.' }),
    command('Say two.'),
  ];
  const [loaded] = await load({ train }, { datasets: [{ ...instruct, train: 'train' }] });
  expect(loaded?.withContext).toBe(1);
  expect([...(loaded?.splits.train ?? []), ...(loaded?.splits.dev ?? [])]).toHaveLength(2);
});

test('references are needed only where a judge of the task applies', async () => {
  const files = {
    train: [question('Ada', { references: [] }), question('Bob', { references: [] })],
  };
  const judges = [{ name: 'span', axis: 'faithfulness' as const, type: 'span-coverage' }];
  const [loaded] = await load(files, { datasets: [{ ...span, train: 'train' }], judges });
  expect(loaded?.splits.train).toHaveLength(1);
});

test('weights that are picked by references of dev need some, which a stage that trains nothing does not', async () => {
  const files = {
    train: [command('Say a.'), command('Say b.')],
    dev: [command('Say c.')],
    answered: [command('Say d.', { references: ['d'] })],
  };
  const picking = (dev: string, start: { name: string; checkpoint?: string }[] = []) => {
    const datasets = [{ ...instruct, train: 'train', dev, perRound: 2 }];
    const { training } = makeRunFile();
    return load(files, { datasets, start, training: { ...training, pick: 'dev-perplexity' } });
  };
  expect(await problemOf(picking('dev'))).toContain(
    'training: pick dev-perplexity reads references of dev, and instruct have none there',
  );
  expect(await picking('answered')).toHaveLength(1);
  expect(
    await problemOf(
      picking('dev', [{ name: 'given', checkpoint: 'a'.repeat(64) }, { name: 'tune' }]),
    ),
  ).toMatch(/^(?!.*start stage given).*start stage tune: pick/s);
});

test('datasets with one name, without files, or with nothing to train on are refused', async () => {
  const datasets = [{ ...span, dev: 'dev' }, span];
  const problem = await problemOf(load({ dev: [question('Dan')] }, { datasets }));
  expect(problem).toBe(`the datasets of run test cannot be used:
- dataset span: another one has this name; give each its own
- dataset span: names no file; give \`train\`, \`dev\` or \`test\`
- no dataset has a \`train\` part, so there is nothing to sample for`);
});

test('an instruction may go on with a conversation where the model has a form for one', async () => {
  const history = [{ prompt: 'Say red.', completion: 'red' }];
  const rows = [command('And now?', { history }), command('And now?', { history: [] })];
  const datasets = [{ ...instruct, train: 'train', dev: 'dev' }];
  const model = { base: '/models/llama', template: 'chat' as const, chat: plainChat };
  const files = { train: rows, dev: [command('Stop.')] };
  const [loaded] = await load(files, { datasets, model });
  const [one, other] = loaded?.splits.train ?? [];
  expect([one?.history, other?.history].filter((turns) => turns !== undefined)).toEqual([history]);
  expect(one?.id).not.toBe(other?.id);
  expect(await problemOf(load(files, { datasets }))).toMatch(
    /train:1: `history` needs `model.template: chat`/,
  );
  const asked = { span: [question('Ada', { history })], dev: [question('Bob')] };
  const spans = [{ ...span, train: 'span', dev: 'dev' }];
  expect(await problemOf(load(asked, { datasets: spans, model }))).toContain(
    'span:1: a row of kind extractive_qa has no `history`; drop it, or give the row to a dataset of kind instruction',
  );
  const strange = { ...files, train: [command('And now?', { history: [{ from: 'human' }] })] };
  expect(await problemOf(load(strange, { datasets, model }))).toMatch(/train:1: history/);
});
