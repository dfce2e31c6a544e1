import { createActor, fromPromise } from 'xstate';
import { expect, test } from 'vitest';
import { judgeMachine } from '../../agents/judges/machine.ts';
import { samplerMachine, type UnitInHand as SampleInHand } from '../../agents/sampler/machine.ts';
import type { Taken } from '../../shared/bus/hand.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import type { JudgeResult, SampleResult, Work } from '../../shared/contract/work.ts';
import { outputOf } from '../../shared/process/machine.ts';

const unit = 'r1-train-s0001';
const work: Work = { kind: 'reference', run: 'run-a', queue: 'sample', unit };
const sampleUnit = { unit: { kind: 'sample', unit } } as SampleInHand;
const sampled: SampleResult = { kind: 'sample', run: 'run-a', unit, peer: 'p', items: [] };
const judged: JudgeResult = {
  kind: 'judge',
  run: 'run-a',
  unit,
  peer: 'p',
  judge: 'em',
  fingerprint: 'f'.repeat(64),
  items: [],
};

/** An actor that notes its name, and fails if it is the one that should. */
function noting<TOutput, TInput>(order: string[], failing: string) {
  return (name: string, output: TOutput) =>
    fromPromise<TOutput, TInput>(() => {
      order.push(name);
      return name === failing
        ? Promise.reject(new TransientError(`${name} failed`))
        : Promise.resolve(output);
    });
}

async function runSampler(failing = '') {
  const order: string[] = [];
  const actors = {
    read: noting<SampleInHand, { taken: Taken; underWay: () => void }>(order, failing)(
      'read',
      sampleUnit,
    ),
    prepare: noting<void, SampleInHand>(order, failing)('prepare', undefined),
    fill: noting<SampleResult, SampleInHand>(order, failing)('fill', sampled),
  };
  const input = { taken: { work, deliveries: 1 }, underWay: () => undefined };
  const actor = createActor(samplerMachine.provide({ actors }), { input });
  const output = await outputOf(actor).catch((error: unknown) => error);
  return { order, output };
}

async function runJudge(deliveries: number, failing = '') {
  const order: string[] = [];
  const step = noting<JudgeResult, Taken>(order, failing);
  const actors = { judge: step('judge', judged), judgeAlone: step('judgeAlone', judged) };
  const actor = createActor(judgeMachine.provide({ actors }), { input: { work, deliveries } });
  const output = await outputOf(actor).catch((error: unknown) => error);
  return { order, output };
}

test('a sampler fills a unit after the server has proven what it serves', async () => {
  expect(await runSampler()).toEqual({ order: ['read', 'prepare', 'fill'], output: sampled });
});

test.each([
  ['read', ['read']],
  ['prepare', ['read', 'prepare']],
  ['fill', ['read', 'prepare', 'fill']],
])('a sampler that fails to %s makes no result and hands the error on', async (failing, order) => {
  const run = await runSampler(failing);
  expect(run.order).toEqual(order);
  expect(run.output).toEqual(new TransientError(`${failing} failed`));
});

test.each([1, 2])('at delivery %i a judge judges in its own process', async (deliveries) => {
  expect(await runJudge(deliveries)).toEqual({ order: ['judge'], output: judged });
});

test.each([3, 17])('at delivery %i a judge judges in a child process', async (deliveries) => {
  expect(await runJudge(deliveries)).toEqual({ order: ['judgeAlone'], output: judged });
});

test('a judge that fails makes no result and hands the error on', async () => {
  const { output } = await runJudge(1, 'judge');
  expect(output).toEqual(new TransientError('judge failed'));
});
