/** A curator, a real bus and a judge whose verdicts cost something: what its ledger, `why` and the report know of that. */
import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { verdictLines } from '../../coordinator/cli/verdict-lines.ts';
import { Explanation } from '../../shared/contract/explanation.ts';
import type { CurateOutcome } from '../../shared/contract/steps.ts';
import type { Result } from '../../shared/contract/work.ts';
import { unary } from '../../shared/rpc/client.ts';
import { callCurator, incumbent, makeRound, startWorkers } from '../support/curating.ts';
import { startCurator } from '../support/curator.ts';
import { paidRun, paid, USD } from '../support/paid.ts';

const { signal } = new AbortController();
const asked = ['em', 'span', 'gpt'];

function judgesOf(outcome: CurateOutcome) {
  if (outcome.outcome !== 'sealed') throw new Error(`the round ended as ${outcome.outcome}`);
  return outcome.judges;
}

test('a killed curator finds in its ledger what judging has cost, to the cent', async () => {
  const round = await makeRound(8, paidRun);
  let left = 3;
  const few = (result: Result): Result | undefined => {
    if (result.kind === 'judge' && result.judge === 'gpt') left -= 1;
    return left < 0 ? undefined : paid(result);
  };
  {
    await using workers = await startWorkers(round.nats.url, few, asked);
    await round.calls.start('r1');
    await expect
      .poll(() => workers.answered.filter((one) => one.startsWith('gpt/')).length, {
        timeout: 20_000,
      })
      .toBe(3);
    await round.curator.kill('SIGKILL');
  }
  const again = await startCurator(round.options);
  onTestFinished(() => again[Symbol.asyncDispose]());
  const calls = callCurator(again.grpc);
  await using _workers = await startWorkers(round.nats.url, paid, asked);
  const killed = judgesOf(await calls.curate('r1'));
  calls.close();

  const calm = await makeRound(8, paidRun);
  await using _calm = await startWorkers(calm.nats.url, paid, asked);
  expect(killed).toEqual(judgesOf(await calm.calls.curate('r1')));
  const { scored = 0, equal = 0, certain = 0, usd } = killed['gpt'] ?? {};
  expect(usd).toBe(scored * USD);
  expect(scored + equal + certain).toBe(8 * 7);
});

test('why and the metrics have the words, the price and the cache state of a verdict', async () => {
  const { calls, nats, curator } = await makeRound(8, paidRun);
  const cachedOnDev = (result: Result): Result => {
    const answer = paid(result);
    if (answer.kind !== 'judge' || answer.judge !== 'gpt' || !answer.unit.includes('-dev-'))
      return answer;
    const items = answer.items.map(({ example, verdicts }) => ({
      example,
      verdicts: verdicts.map((verdict) => ({ ...verdict, cached: true as const })),
    }));
    return { ...answer, items };
  };
  await using _workers = await startWorkers(nats.url, cachedOnDev, asked);
  const evaluated = await calls.evaluate('r1', incumbent);
  // Two rows of dev, found in the cache, and two of test, which were paid.
  expect(evaluated).toMatchObject({
    judges: { gpt: { scored: 4, cached: 2, calls: 2, usd: 2 * USD }, em: { calls: 0 } },
  });
  const metrics = await (await fetch(`${curator.http}/metrics`)).text();
  expect(metrics).toContain('reset_judge_dollars_total{judge="llm"} 0.5\n');
  expect(metrics).toContain('reset_judge_tokens_total{judge="llm",kind="prompt"} 850\n');
  expect(metrics).toContain('reset_judge_tokens_total{judge="llm",kind="cached"} 200\n');
  expect(metrics).toContain('reset_judge_tokens_total{judge="llm",kind="completion"} 120\n');
  expect(metrics).not.toContain('reset_unscored_verdicts_total{');

  const { client } = calls;
  const ids = { dev: '', test: '' };
  const answers = client.readAnswers({ run: 'test', step: 'r1' });
  for await (const { answer } of answers as AsyncIterable<{ answer: string }>) {
    const { dataset, split, example } = JSON.parse(answer) as Record<string, string>;
    if (dataset === 'instruct' && (split === 'dev' || split === 'test')) ids[split] = example ?? '';
  }
  const explained = async (example: string) => {
    const request = { run: 'test', example };
    const options = { deadlineMs: 5000, signal };
    const { explanation } = await unary(client.explain.bind(client), request, options);
    const [candidate] = Explanation.parse(JSON.parse(explanation)).steps[0]?.candidates ?? [];
    const verdict = candidate?.verdicts['gpt'];
    if (candidate === undefined || verdict === undefined) throw new Error('nothing is explained');
    return verdictLines('gpt', verdict, candidate.cached.includes('gpt')).map(
      stripVTControlCharacters,
    );
  };
  const lines = [
    '      gpt-4-0613: 525 + 60 tokens (100 of the prompt cached), $0.25',
    '        Right, but terse.',
    '        Rating: [[7]]',
  ];
  expect(await explained(ids.test)).toEqual(['    gpt: 0.7 {"rating":7}', ...lines]);
  expect(await explained(ids.dev)).toEqual([
    '    gpt: 0.7 {"rating":7} (from the cache, paid for before)',
    ...lines,
  ]);
});
