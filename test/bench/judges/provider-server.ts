/**
 * A fake provider as a process of its own, so that it does not wait for whoever measures: `fork(program)`. It answers each message with one of its
 * own, and ends with its parent.
 */
import { startFakeOpenAi } from '../../support/fake-openai.ts';
import type { Answered, Question } from './provider.ts';

process.on('disconnect', () => process.exit(0));

const server = await startFakeOpenAi();
/** Calls before it were answered after another delay. */
let since = 0;
let delayMs = 0;

/** Calls in the hands of the provider in a span of its clock, each with the share of its time that falls into it. */
function answeredIn(from: number, to: number): number {
  let answered = 0;
  for (const { at } of server.calls.slice(since))
    answered += Math.max(0, Math.min(to, at + delayMs) - Math.max(from, at)) / delayMs;
  return answered;
}

function answer(question: Question): Answered {
  const now = performance.now();
  if ('delayMs' in question) {
    since = server.calls.length;
    ({ delayMs } = question);
    server.always({ delayMs });
  }
  const calls = server.calls.slice(since);
  return {
    now,
    underWay: calls.filter(({ at }) => at + delayMs > now).length,
    answered: 'from' in question ? answeredIn(question.from, question.to) : 0,
  };
}

process.on('message', (question) => process.send?.(answer(question as Question)));
process.send?.(server.url);
