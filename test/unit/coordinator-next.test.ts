import { describe, expect, test } from 'vitest';
import { bestRound } from '../../coordinator/decision/best.ts';
import { incumbentOf } from '../../coordinator/decision/journal.ts';
import { nextOf, type Next } from '../../coordinator/decision/next.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { digestOf } from '../../shared/contract/ids.ts';
import { RunFile } from '../../shared/contract/run-file.ts';
import { plainChat } from '../support/chat-models.ts';
import { checkpoints, runFile, scores, wholeJournal } from '../support/journal.ts';

/** The whole journal as a run with another run file would have begun it. */
function journalOf(changes: object): Fact[] {
  const file = RunFile.parse({ ...runFile, ...changes });
  return [
    { fact: 'run.opened', run: file.run, file, digest: digestOf(file) },
    ...wholeJournal.slice(1),
  ];
}

/** What has to be done to obtain the fact that follows a prefix. */
function kindFor(fact: Fact): Next['kind'] {
  switch (fact.fact) {
    case 'dataset.sealed':
      return 'curate';
    case 'checkpoint.published':
      return 'train';
    case 'evaluation.finished':
      return 'evaluate';
    case 'decision.made':
      return 'decide';
    default:
      return 'append';
  }
}

describe('the next step of a run', () => {
  test.each(wholeJournal.slice(1).map((fact, index) => [index + 1, fact] as const))(
    'from a journal of %i facts is the one that leads to the fact that followed',
    (length, fact) => {
      const next = nextOf(wholeJournal.slice(0, length));
      expect(next.kind).toBe(kindFor(fact));
      if (next.kind === 'append') expect(next.fact).toEqual(fact);
      if ('step' in fact && 'step' in next) expect(next.step).toBe(fact.step);
    },
  );

  test('after the last fact there is nothing to do', () => {
    expect(nextOf(wholeJournal)).toMatchObject({ kind: 'finished' });
  });

  test('a stage without rows trains on the mixed references, from the stage before, with its own settings', () => {
    const next = nextOf(wholeJournal.slice(0, 4));
    expect(next).toMatchObject({
      kind: 'train',
      request: {
        step: 'start-1',
        from: { kind: 'checkpoint', checkpoint: checkpoints[0] },
        training: { steps: 20, learningRate: 2e-3, batchSize: 4 },
      },
    });
  });

  test("the options of a stage stand in place of the run's", () => {
    const training = { ...runFile.training, options: { lora: {}, maxLength: 2048 } };
    const [first, second, ...more] = runFile.start;
    const start = [first, { ...second, training: { options: { zero: 2 } } }, ...more];
    const journal = journalOf({ training, start });
    const optionsAt = (length: number) => {
      const next = nextOf(journal.slice(0, length));
      return next.kind === 'train' ? next.request.training.options : undefined;
    };
    expect(optionsAt(2)).toMatchObject({ maxLength: 2048, zero: 3, lora: { rank: 16 } });
    expect(optionsAt(4)).toEqual({
      zero: 2,
      bf16: true,
      completionOnly: true,
      gradientCheckpointing: true,
    });
  });

  test('every training is told the chat template of the run, and a given model too', () => {
    const model = { base: '/models/llama', template: 'chat' as const, chat: plainChat };
    const told = (journal: readonly Fact[], length: number) => {
      const next = nextOf(journal.slice(0, length));
      return next.kind === 'train' ? [next.request.dataset === null, next.request.chat] : next.kind;
    };
    expect(told(journalOf({ model, start: [], rounds: { max: 1 } }), 1)).toEqual([true, plainChat]);
    expect(told(journalOf({ model }), 2)).toEqual([false, plainChat]);
    expect(told(wholeJournal, 2)).toEqual([false, undefined]);
  });

  test('a round trains the incumbent for one epoch by default', () => {
    const next = nextOf(wholeJournal.slice(0, 8));
    expect(next).toMatchObject({
      kind: 'train',
      request: { step: 'r1', from: { checkpoint: checkpoints[1] }, training: { epochs: 1 } },
    });
  });

  test('a stage that picks its weights by dev is given the references of dev that were sealed for it', () => {
    const start = [
      { name: 'pretrain', rows: 'pretrain.jsonl', training: { pick: 'dev-perplexity' } },
    ];
    const dev = digestOf('dev');
    const journal = journalOf({ start }).map((fact) =>
      fact.fact === 'dataset.sealed' && fact.step === 'start-0' ? { ...fact, dev } : fact,
    );
    expect(nextOf(journal.slice(0, 2))).toMatchObject({
      request: { step: 'start-0', dev, training: { pick: 'dev-perplexity' } },
    });
    expect(nextOf(wholeJournal.slice(0, 8))).toMatchObject({
      request: { step: 'r1', dev: null, training: { pick: 'last' } },
    });
  });

  test('a round is compared with the start on the references of dev, where a guardrail asks for it', () => {
    const dev = digestOf('dev');
    const journal = (kl: number | null): Fact[] =>
      wholeJournal.slice(0, 8).map((fact) => {
        if (fact.fact === 'dataset.sealed' && fact.step === 'r1') return { ...fact, dev };
        if (fact.fact !== 'run.opened') return fact;
        const { rounds } = runFile;
        const guardrails = { ...rounds.guardrails, kl };
        return { ...fact, file: { ...runFile, rounds: { ...rounds, guardrails } } };
      });
    expect(nextOf(journal(1))).toMatchObject({ request: { dev, anchor: checkpoints[1] } });
    expect(nextOf(journal(null))).toMatchObject({ request: { dev, anchor: null } });
    expect(nextOf(wholeJournal.slice(0, 8))).toMatchObject({ request: { anchor: null } });
  });

  test('a round that was not promoted is never a parent', () => {
    expect(incumbentOf(wholeJournal.slice(0, 16))?.checkpoint).toBe(checkpoints[2]);
  });

  test('a paused run does nothing, and a resumed one goes on where it was, with a higher attempt', () => {
    const prefix = wholeJournal.slice(0, 7);
    const paused: Fact[] = [...prefix, { fact: 'run.paused', reason: 'coverage' }];
    expect(nextOf(paused)).toEqual({ kind: 'paused', reason: 'coverage' });
    expect(nextOf([...paused, { fact: 'run.resumed' }])).toEqual({
      kind: 'curate',
      step: 'r1',
      attempt: 1,
    });
  });

  test('without stages a given base is published as it is', () => {
    const file = { ...runFile, start: [], model: { ...runFile.model, base: '/models/base' } };
    const next = nextOf([
      { fact: 'run.opened', run: 'tested', file, digest: checkpoints[0] ?? '' },
    ]);
    expect(next).toMatchObject({
      kind: 'train',
      request: { step: 'start-0', from: { kind: 'folder', path: '/models/base' }, dataset: null },
    });
  });

  test('all rounds done without convergence ends the run by rounds.max', () => {
    const journal = [
      ...wholeJournal.slice(0, 20),
      { ...wholeJournal[20], withoutPromotion: 1 } as Fact,
    ];
    expect(nextOf(journal)).toMatchObject({
      kind: 'append',
      fact: { fact: 'run.finished', stopped: 'rounds' },
    });
  });

  test('a checkpoint stage is taken as it is, and the stage after it trains on it', () => {
    const folder = `/elsewhere/${checkpoints[0] ?? ''}`;
    const journal = journalOf({
      start: [
        { name: 'given', checkpoint: folder },
        { name: 'context', datasets: ['span'] },
      ],
    });
    expect(nextOf(journal.slice(0, 1))).toMatchObject({
      kind: 'train',
      request: { step: 'start-0', from: { kind: 'folder', path: folder }, dataset: null },
    });
    expect(nextOf(journal.slice(0, 3))).toMatchObject({ kind: 'curate', step: 'start-1' });
    expect(nextOf(journal.slice(0, 4))).toMatchObject({
      kind: 'train',
      request: { step: 'start-1', from: { kind: 'checkpoint', checkpoint: checkpoints[0] } },
    });
  });

  test('without rounds the run ends with its start evaluated, which is its best round', () => {
    const journal = journalOf({ rounds: { max: 0 } }).slice(0, 6);
    expect(nextOf(journal.slice(0, 5))).toMatchObject({ kind: 'evaluate', step: 'r0' });
    expect(nextOf(journal)).toMatchObject({
      kind: 'append',
      fact: { stopped: 'rounds', best: { round: 0, checkpoint: checkpoints[1] } },
    });
  });

  test.each([
    ['previous', checkpoints[2]],
    ['start', checkpoints[1]],
    ['pretrain', checkpoints[0]],
  ])(
    'a round samples the incumbent and trains from what rounds.trainFrom says: %s',
    (trainFrom, from) => {
      const journal = journalOf({ rounds: { max: 3, trainFrom } });
      expect(nextOf(journal.slice(0, 11))).toMatchObject({
        fact: { step: 'r2', incumbent: checkpoints[2] },
      });
      expect(nextOf(journal.slice(0, 13))).toMatchObject({
        request: { step: 'r2', from: { kind: 'checkpoint', checkpoint: from } },
      });
    },
  );

  test('a journal without its beginning is refused', () => {
    expect(() => nextOf(wholeJournal.slice(1, -1))).toThrow('restore the ledger from a backup');
  });
});

describe('a run that keeps what it needs', () => {
  const keeping = journalOf({ checkpoints: { keep: 'needed' }, rounds: { max: 6, patience: 5 } });
  const released = (journal: readonly Fact[]): Fact | undefined => {
    const next = nextOf(journal);
    return next.kind === 'release' ? next.fact : undefined;
  };

  test('releases nothing while the start, the incumbent and its parent, and the best and its parent are all there is', () => {
    expect(released(keeping.slice(0, 11))).toBeUndefined();
    expect(released(keeping.slice(0, 16))).toBeUndefined();
  });

  test('releases after a decision what is none of these, once, and then goes on', () => {
    const fact = released(keeping.slice(0, 21));
    expect(fact).toEqual({
      fact: 'checkpoints.released',
      step: 'r3',
      round: 3,
      checkpoints: [checkpoints[4]],
    });
    if (fact === undefined) throw new Error('nothing was released');
    expect(nextOf([...keeping.slice(0, 21), fact])).toMatchObject({
      kind: 'append',
      fact: { fact: 'round.opened', round: 4 },
    });
  });

  test('never ships what it has released', () => {
    const better = keeping.map((one) =>
      one.fact === 'evaluation.finished' && one.step === 'r3' ? { ...one, dev: scores(0.9) } : one,
    );
    expect(bestRound(better.slice(0, 21))?.round).toBe(3);
    const fact: Fact = {
      fact: 'checkpoints.released',
      step: 'r3',
      round: 3,
      checkpoints: [checkpoints[4] ?? ''],
    };
    expect(bestRound([...better.slice(0, 21), fact])?.round).toBe(2);
  });

  test('says so: without it, all checkpoints stay', () => {
    const journal = journalOf({ rounds: { max: 6, patience: 5 } });
    expect(released(journal.slice(0, 21))).toBeUndefined();
  });
});

describe('the round to ship', () => {
  test('is the one with the highest dev faithfulness, promoted or not', () => {
    expect(bestRound(wholeJournal)).toEqual({ round: 2, checkpoint: checkpoints[3] });
  });

  test('is the start when every round lost instruction score against it', () => {
    const journal = wholeJournal.map((fact) =>
      fact.fact === 'evaluation.finished' && fact.step !== 'r0'
        ? { ...fact, dev: scores(0.7, 0.7) }
        : fact,
    );
    expect(bestRound(journal)).toEqual({ round: 0, checkpoint: checkpoints[1] });
  });

  test('does not change with a better test score: only dev is read', () => {
    const journal = wholeJournal.map((fact) =>
      fact.fact === 'evaluation.finished' && fact.step === 'r0'
        ? { ...fact, test: scores(0.99) }
        : fact,
    );
    expect(bestRound(journal)).toEqual(bestRound(wholeJournal));
  });
});
