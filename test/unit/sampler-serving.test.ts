import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createServing } from '../../agents/sampler/serving.ts';
import type { LocalCheckpoint } from '../../agents/sampler/checkpoint/local.ts';
import type { ModelServer } from '../../agents/sampler/servers/driver.ts';
import type { Probe } from '../../shared/contract/checkpoint.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { SampleUnit } from '../../shared/contract/work.ts';

const { signal } = new AbortController();
const log = pino({ level: 'silent' });

const unit: SampleUnit = {
  kind: 'sample',
  run: 'run-a',
  unit: 'r1-train-s0001',
  split: 'train',
  server: 'local',
  checkpoint: 'a'.repeat(64),
  servedName: 'reset-run-a-aaaaaaaa',
  maxTokens: 8,
  items: [
    {
      example: 'e'.repeat(32),
      prompt: 'Where?',
      requests: [
        { candidate: 'c'.repeat(32), cells: ['t0.1'], temperature: 0.1, topK: 0, seed: 1 },
      ],
    },
  ],
};

const probe = [{ prompt: 'Where?', tokens: [1, 2], text: ' Oslo', logprobs: [-0.5, -1] }];

interface Started {
  text?: string;
  logprobs?: number[] | null;
  pieces?: string[];
  server?: Partial<ModelServer>;
  local?: Partial<LocalCheckpoint>;
  since?: null;
  recorded?: Map<string, Probe>;
}

/** A driver over a server in memory whose weights say `text` to everything. */
function start({ text = ' Oslo', logprobs = [-0.5, -1], pieces = [], ...rest }: Started = {}) {
  const models = new Map<string, number>();
  const calls: string[] = [];
  const state = { text };
  const time = { now: 0 };
  const server: ModelServer = {
    url: 'http://model',
    tolerance: 1e-3,
    ceiling: 448,
    holdsOne: false,
    queue: () => Promise.resolve(null),
    close: () => Promise.resolve(),
    served: () =>
      Promise.resolve(
        [...models].map(([name, since]) => ({ name, since: rest.since === null ? null : since })),
      ),
    load: (name) => {
      calls.push('load');
      if (server.holdsOne) models.clear();
      models.set(name, calls.length);
      return Promise.resolve();
    },
    complete: () => {
      calls.push('complete');
      return Promise.resolve({
        outcome: 'generated',
        text: state.text,
        tokens: 2,
        finish: 'stop',
        logprobs,
        pieces,
      });
    },
    ...rest.server,
  };
  const serving = createServing({
    server,
    fetch: () =>
      Promise.resolve({
        folder: '/checkpoints/a',
        probe,
        parent: null,
        parentProbe: [],
        ...rest.local,
      }),
    recorded: rest.recorded ?? new Map<string, Probe>(),
    log,
    now: () => time.now,
  });
  return { serving, models, calls, state, time };
}

test('a checkpoint is loaded and probed once, for all lanes', async () => {
  const { serving, calls } = start();
  await Promise.all([serving.prepare(unit, signal), serving.prepare(unit, signal)]);
  await serving.prepare(unit, signal);
  expect(calls).toEqual(['load', 'complete']);
});

test('a checkpoint that is served already is probed, not loaded', async () => {
  const { serving, models, calls } = start();
  models.set(unit.servedName, 1);
  await serving.prepare(unit, signal);
  expect(calls).toEqual(['complete']);
});

test('the probe is repeated when the server has loaded the name anew, and after a failure', async () => {
  const { serving, models, calls } = start();
  await serving.prepare(unit, signal);
  models.set(unit.servedName, 99);
  await serving.prepare(unit, signal);
  serving.forget();
  await serving.prepare(unit, signal);
  expect(calls).toEqual(['load', 'complete', 'complete', 'complete']);
});

test('a server that has lost the model is told to load it again', async () => {
  const { serving, models, calls } = start();
  await serving.prepare(unit, signal);
  models.clear();
  await serving.prepare(unit, signal);
  expect(calls).toEqual(['load', 'complete', 'load', 'complete']);
});

test('other weights under the name are refused, each time again', async () => {
  const { serving, state } = start({ text: ' Paris' });
  const refused = serving.prepare(unit, signal);
  await expect(refused).rejects.toThrow(PermanentError);
  await expect(refused).rejects.toThrow(/1 of 1 probe prompts differ.*" Paris" instead of " Oslo"/);
  await expect(serving.prepare(unit, signal)).rejects.toThrow(PermanentError);
  state.text = ' Oslo';
  await serving.prepare(unit, signal);
});

test('equal texts with other log probabilities are refused', async () => {
  await expect(start({ logprobs: [-0.5, -1.1] }).serving.prepare(unit, signal)).rejects.toThrow(
    /log probability differs by 0.1000/,
  );
  await expect(start({ logprobs: [-0.5] }).serving.prepare(unit, signal)).rejects.toThrow(
    PermanentError,
  );
  await start({ logprobs: [-0.5, -1.0005] }).serving.prepare(unit, signal);
  await start({ logprobs: null }).serving.prepare(unit, signal);
});

test('on another engine a text may leave the expected one where two tokens were equally likely', async () => {
  const server = { tolerance: 0.25 };
  const local = (logprobs: number[]) => ({
    probe: [{ prompt: 'Where?', tokens: [1, 2], text: ' in Oslo', logprobs }],
  });
  const paris = { text: ' in Paris', pieces: [' in', ' Paris'], server };
  const even = start({ ...paris, logprobs: [-0.1, -0.7], local: local([-0.2, -0.75]) });
  await even.serving.prepare(unit, signal);
  const sure = start({ ...paris, logprobs: [-0.1, -0.3], local: local([-0.2, -0.3]) });
  await expect(sure.serving.prepare(unit, signal)).rejects.toThrow(/" in Paris" instead of/);
  const early = start({ ...paris, logprobs: [-0.1, -0.7], local: local([-0.5, -0.75]) });
  await expect(early.serving.prepare(unit, signal)).rejects.toThrow(/differs by 0.4000/);
});

test('a server that is nearer to the parent than to the checkpoint still has the old weights', async () => {
  const server = { tolerance: 0.25 };
  const parentProbe = [{ ...probe[0], prompt: 'Where?', tokens: [1], text: ' Oslo' }];
  const told = (parent: number[]) => ({
    parent: 'b'.repeat(64),
    parentProbe: parentProbe.map((one) => ({ ...one, logprobs: parent })),
  });
  const stale = start({ server, logprobs: [-0.6, -1.1], local: told([-0.61, -1.12]) });
  await expect(stale.serving.prepare(unit, signal)).rejects.toThrow(
    /answers as the parent.*still has the old weights/,
  );
  const fresh = start({ server, logprobs: [-0.51, -1.02], local: told([-0.61, -1.12]) });
  await fresh.serving.prepare(unit, signal);
});

test('where the checkpoint has no probe its first server stands for it, for others and against its parent', async () => {
  const recorded = new Map<string, Probe>();
  const parent = 'b'.repeat(64);
  const local = { probe: [], parent };
  const server = { tolerance: 0.25 };
  const older = { ...unit, checkpoint: parent, servedName: 'reset-run-a-bbbbbbbb' };
  await start({ text: ' Rome', local, server, recorded }).serving.prepare(older, signal);
  const stale = start({ text: ' Rome', local, server, recorded });
  await expect(stale.serving.prepare(unit, signal)).rejects.toThrow(/still has the old weights/);
  await start({ local, server, recorded }).serving.prepare(unit, signal);
  await start({ local, server, recorded }).serving.prepare(unit, signal);
  const other = start({ text: ' Bonn', local, server, recorded });
  await expect(other.serving.prepare(unit, signal)).rejects.toThrow(/4 of 4 probe prompts differ/);
});

test('a server that does not say when it loaded a name is probed again after a minute', async () => {
  const { serving, calls, time } = start({ since: null });
  await serving.prepare(unit, signal);
  time.now = 59_000;
  await serving.prepare(unit, signal);
  expect(calls).toEqual(['load', 'complete']);
  time.now = 61_000;
  await serving.prepare(unit, signal);
  expect(calls).toEqual(['load', 'complete', 'complete']);
});

test('a server that holds one checkpoint is switched when nobody needs the old one any more', async () => {
  const { serving, calls } = start({ server: { holdsOne: true } });
  const next = { ...unit, checkpoint: 'c'.repeat(64), servedName: 'reset-run-a-cccccccc' };
  await serving.prepare(unit, signal);
  const releases = [serving.hold(unit), serving.hold(unit)];
  const switched = serving.prepare(next, signal);
  releases[0]?.();
  await turn();
  expect(calls).toEqual(['load', 'complete']);
  expect(serving.serves(unit)).toBe(true);
  releases[1]?.();
  await switched;
  expect(calls).toEqual(['load', 'complete', 'load', 'complete']);
  expect([serving.serves(unit), serving.serves(next)]).toEqual([false, true]);
});
