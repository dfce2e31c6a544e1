/** kill -9 of a trainer, of what it started, and at each of its writes, over a program that the same or the next trainer ends. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TrainRequest } from '../../shared/contract/steps.ts';
import { fakeTraining } from '../support/fake-training.ts';
import { trainRequest, trainerScene, type TrainerScene } from '../support/trainer-scene.ts';

let scene: TrainerScene;
let number = 0;

/** A job of its own for each test. */
function job(backend: string, steps = 4): TrainRequest {
  number += 1;
  return trainRequest(steps, { backend, step: `r${number}` });
}

beforeAll(async () => {
  const profile = (mode: string) => ({
    command: fakeTraining(mode),
    stallMs: 60_000,
    graceMs: 500,
  });
  scene = await trainerScene(() => ({ ok: profile('ok'), slow: profile('slow') }));
  await scene.trainer();
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

test.each(['while its program runs', 'with its program', 'with its keeper'])(
  'a trainer that is killed %s ends with one checkpoint and no orphan',
  async (when) => {
    const one = job('slow', 8);
    await scene.start(one);
    await expect.poll(async () => scene.events(one.step)).toContain('saved');
    const trainer = scene.current();
    trainer.kill('SIGKILL');
    for (const { pid, words } of scene.processes(one.step)) {
      const isKeeper = words[1]?.endsWith('keep.js') === true;
      if (when === (isKeeper ? 'with its keeper' : 'with its program'))
        process.kill(pid, 'SIGKILL');
    }
    await trainer.exited;
    await scene.trainer();
    await scene.published(await scene.outcome(one));
    expect((await scene.events(one.step)).filter((event) => event === 'started')).toHaveLength(1);
    expect(scene.processes(one.step)).toEqual([]);
  },
);

const effects = ['trainer.spec.rename', 'trainer.attempts.rename', 'trainer.outcome.rename'];
test.each(effects.flatMap((effect) => [`${effect}.before`, `${effect}.after`]))(
  'a trainer that is killed at %s goes on where it stood',
  async (failpoint) => {
    const one = job('ok');
    const last = scene.current();
    last.kill('SIGKILL');
    await last.exited;
    const dying = await scene.trainer({ env: { RESET_FAILPOINTS: `${failpoint}=kill` } });
    await scene.start(one);
    await dying.exited;
    await scene.trainer();
    await scene.published(await scene.outcome(one));
    expect(await scene.failures(one.step)).toEqual([null]);
  },
);
