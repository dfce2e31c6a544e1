import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createServing } from '../../agents/sampler/serving.ts';
import type { ModelServer } from '../../agents/sampler/servers/driver.ts';
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

/** A driver over a server in memory whose weights say `text` to everything. */
function start({ text = ' Oslo', logprobs = [-0.5, -1] as number[] | null } = {}) {
  const models = new Map<string, number>();
  const calls: string[] = [];
  const state = { text };
  const server: ModelServer = {
    served: () => Promise.resolve([...models].map(([name, since]) => ({ name, since }))),
    load: (name) => {
      calls.push('load');
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
      });
    },
  };
  const serving = createServing({
    server,
    fetch: () => Promise.resolve({ folder: '/checkpoints/a', probe }),
    log,
  });
  return { serving, models, calls, state };
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
