import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { closerLook, DEFAULT_STATE } from '../../coordinator/cli/closer-look.ts';
import { readRunFile } from '../../coordinator/cli/run-file.ts';
import { missingPeer } from '../../coordinator/cli/status.ts';
import { finishedEvent, summarize } from '../../coordinator/cli/summary.ts';
import { resultTable } from '../../coordinator/cli/table.ts';
import { merged } from '../../coordinator/merged.ts';
import type { JournalEntry } from '../../coordinator/curator.ts';
import { type Presence, Profiles } from '../../shared/contract/peer.ts';
import { checkpoints, runFile, scores, wholeJournal } from '../support/journal.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const entries = wholeJournal.map((fact, position) => ({
  position,
  fact,
  at: 1_000_000 + position * 1_000,
}));

describe('the summary of a run', () => {
  test('has the start as round 0, every evaluated round with its decision, and the seconds between first and last fact', () => {
    const summary = summarize(entries);
    expect(summary.rounds.map(({ round, decision }) => [round, decision])).toEqual([
      [0, 'start'],
      [1, 'promote'],
      [2, 'keep'],
      [3, 'keep'],
    ]);
    expect(summary).toMatchObject({
      run: 'tested',
      best: 2,
      stopped: 'converged',
      paused: null,
      seconds: wholeJournal.length - 1,
    });
  });

  test('shows test scores, not those that decided', () => {
    const planted = entries.map((entry) =>
      entry.fact.fact === 'evaluation.finished'
        ? { ...entry, fact: { ...entry.fact, test: scores(0.11) } }
        : entry,
    );
    expect(
      finishedEvent(summarize(planted)).rounds.every(
        ({ faithfulness }) => faithfulness.seen === 0.11,
      ),
    ).toBe(true);
  });

  test('an axis without data is null, never a number', () => {
    expect(finishedEvent(summarize(entries)).rounds[0]?.faithfulness.unseen).toBeNull();
  });

  test('of a paused run says why', () => {
    const paused = [
      ...entries.slice(0, 7),
      {
        position: 7,
        at: 0,
        fact: { fact: 'run.paused', reason: 'coverage 0.5 is below 0.98' } as const,
      },
    ];
    expect(resultTable(summarize(paused))).toContain('paused: coverage 0.5 is below 0.98');
  });

  test('as a table marks the best round and gives each decision with its reason', () => {
    const table = resultTable(summarize(entries));
    expect(table).toContain('2 *');
    expect(table).toContain('round 2: keep: planted');
    expect(table).toContain(`checkpoint ${checkpoints[3]}`);
    expect(table).toContain('stopped (converged)');
  });
});

test('a guardrail that tripped stands in the table', () => {
  const tripped = { name: 'length', of: 'instruction', value: 3, least: 0.5, most: 2 } as const;
  const rolledBack = entries.map((entry): JournalEntry =>
    entry.fact.fact === 'decision.made' && entry.fact.round === 2
      ? { ...entry, fact: { ...entry.fact, guardrails: [{ ...tripped, tripped: true }] } }
      : entry,
  );
  expect(resultTable(summarize(rolledBack))).toContain('keep (guardrail)');
  expect(resultTable(summarize(entries))).not.toContain('guardrail');
});

test('printed commands name the state folder unless it is the default one', () => {
  expect(closerLook('tested', DEFAULT_STATE)).not.toContain('--state');
  expect(closerLook('tested', '/elsewhere/state')).toContain(
    'npx reset-loop status --state /elsewhere/state',
  );
});

describe('a run file', () => {
  const noProfiles = Profiles.parse({});

  async function fileOf(text: string): Promise<string> {
    const folder = await temporaryFolder();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const path = join(folder.path, 'run.yaml');
    await writeFile(path, text);
    return path;
  }

  test('has its paths resolved from its own folder', async () => {
    const checkpoint = checkpoints[0] ?? '';
    const path = await fileOf(
      JSON.stringify({
        ...runFile,
        datasets: [{ name: 'span', kind: 'extractive_qa', train: 'rows/span.jsonl' }],
        start: [{ name: 'given', checkpoint: `published/${checkpoint}` }],
      }),
    );
    const { datasets, start } = readRunFile(path, noProfiles);
    expect(datasets[0]?.train).toEqual([join(path, '../rows/span.jsonl')]);
    expect(start[0]?.checkpoint).toBe(join(path, '../published', checkpoint));
  });

  test('with several mistakes is refused with the place of each', async () => {
    const path = await fileOf(JSON.stringify({ ...runFile, sead: 1, rounds: { max: -1 } }));
    expect(() => readRunFile(path, noProfiles)).toThrow(
      /rounds\.max.*"sead", the nearest known one is "seed"|"sead".*rounds\.max/s,
    );
  });

  test('whose server, by its profile, could not serve what the rounds make is refused', async () => {
    const path = await fileOf(JSON.stringify(runFile));
    const server = { driver: 'vllm', url: 'http://127.0.0.1:8000', switch: { by: 'lora' } };
    const profiles = Profiles.parse({ servers: { [runFile.sampling.server]: server } });
    expect(() => readRunFile(path, profiles)).toThrow(
      /is not usable: training\.options: the rounds train all weights.*add `lora: \{\}` there/,
    );
  });

  test('that is no YAML is refused with its path', async () => {
    const path = await fileOf('a: [');
    expect(() => readRunFile(path, noProfiles)).toThrow(path);
  });
});

describe('what a run waits for', () => {
  const peers: Presence[] = [
    { peer: 'curator-1', role: 'curator', grpc: 'a:1', http: 'http://a', offers: [] },
    { peer: 'sampler-1', role: 'sampler', grpc: null, http: 'http://a', offers: ['local'] },
    { peer: 'trainer-1', role: 'trainer', grpc: 'a:2', http: 'http://a', offers: ['tinylm'] },
    {
      peer: 'judge-1',
      role: 'judge',
      grpc: null,
      http: 'http://a',
      offers: ['span-coverage', 'exact-match'],
    },
  ];

  test('is nothing when every part of the run file has a peer', () => {
    expect(missingPeer(runFile, peers)).toBeUndefined();
  });

  test.each([
    ['curator', 'no curator'],
    ['sampler', 'server profile named "local"'],
    ['trainer', 'back-end "tinylm"'],
    ['judge', 'judge "span" (span-coverage)'],
  ])('is a %s where none is there, named with the command that adds one', (role, words) => {
    const reason = missingPeer(
      runFile,
      peers.filter((peer) => peer.role !== role),
    );
    expect(reason).toContain(words);
    expect(reason).toContain(`reset-loop peer --role ${role}`);
  });
});

describe('two merged streams', () => {
  async function* numbers(...items: number[]): AsyncGenerator<number> {
    for (const item of items) {
      await Promise.resolve();
      yield item;
    }
  }

  test('give every item of both, each in its own order', async () => {
    const seen: number[] = [];
    for await (const item of merged(
      numbers(1, 2, 3),
      numbers(10, 20),
      new AbortController().signal,
    ))
      seen.push(item);
    expect(seen.filter((item) => item < 10)).toEqual([1, 2, 3]);
    expect(seen.filter((item) => item >= 10)).toEqual([10, 20]);
  });

  test('end with the error of either', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield await Promise.resolve(1);
      throw new Error('planted');
    }
    const read = async () => {
      for await (const _ of merged(broken(), numbers(1, 2), new AbortController().signal));
    };
    await expect(read()).rejects.toThrow('planted');
  });
});
