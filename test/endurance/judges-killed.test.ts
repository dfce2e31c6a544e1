import { expect, test } from 'vitest';
import { textId } from '../../shared/contract/ids.ts';
import type { JudgeUnit } from '../../shared/contract/work.ts';
import { type FakeRequest, ratingOf, startFakeOpenAi } from '../support/fake-openai.ts';
import { startNats } from '../support/nats.ts';
import { startPlanner } from '../support/planner.ts';
import { startRole } from '../support/role.ts';
import { makeExamples, makeRunFile } from '../support/run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const KILLS = 10;
const LANES = 8;
const TEXTS = 5;
const UNITS = 100;
/** Calls between two kills: all kills fall into the 500 that are made at least. */
const CALLS_A_LIFE = 40;
const WITHIN = { timeout: 25_000, interval: 5 };

const spec = {
  name: 'rater',
  axis: 'instruction' as const,
  type: 'llm',
  provider: 'fake',
  model: 'judge-1',
};
const file = makeRunFile({ judges: [spec] });

/** Units of one example, as the curator cuts them for a judge that is asked; no two texts are equal. */
const units = makeExamples(UNITS).map((example, at): JudgeUnit => ({
  kind: 'judge',
  run: file.run,
  unit: `r1-train-s${String(at).padStart(4, '0')}-e00`,
  judge: spec,
  items: [
    {
      example,
      texts: Array.from({ length: TEXTS }, (_, i) => `Answer ${i} about person ${at}.`).map(
        (text) => ({ id: textId(text), text }),
      ),
    },
  ],
}));

/** The answer in the paper's prompt; a request without one asks who answers. */
function judged({ messages }: FakeRequest): string {
  const text = messages.at(-1)?.content ?? '';
  return /Start of Assistant's Answer\]\n(.*)\n\[The End/s.exec(text)?.[1] ?? '';
}

test('kill -9 of a judge, ten times in 500 texts, scores each text once and repeats only what was in flight', async () => {
  await using folder = await temporaryFolder();
  await using nats = await startNats();
  await using server = await startFakeOpenAi({ judged });
  server.always({ delayMs: 25 });
  await using planner = await startPlanner(nats.url, file);
  for (const unit of units) await planner.offer(unit);
  const providers = { fake: { url: server.url, concurrency: LANES, free: true } };
  // The same peer each time: what it was told before it was killed is in its folder.
  const peer = { natsUrl: nats.url, folder: folder.path, peer: 'judge-1', providers };
  const asked = (): string[] => server.calls.map(({ body }) => judged(body)).filter(Boolean);

  const lives: string[][] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const victim = await startRole('judge', peer);
    const enough = server.calls.length + CALLS_A_LIFE;
    await expect.poll(() => server.calls.length, WITHIN).toBeGreaterThan(enough);
    victim.kill('SIGKILL');
    expect(await victim.exited).toBe(null);
    lives.push(asked().slice(lives.flat().length));
  }
  await using _survivor = await startRole('judge', peer);
  await expect
    .poll(() => new Set(planner.results.map(({ unit }) => unit)).size, WITHIN)
    .toBe(UNITS);
  lives.push(asked().slice(lives.flat().length));

  const first = new Map(planner.results.toReversed().map((result) => [result.unit, result]));
  const verdicts = [...first.values()].flatMap((result) =>
    result.kind === 'judge' ? result.items.flatMap(({ verdicts }) => verdicts) : [],
  );
  const scores = verdicts.map(({ text, answer }) =>
    answer.outcome === 'scored' ? `${text} ${answer.value}` : `${text} ${answer.reason}`,
  );
  const texts = units.flatMap(({ items }) => items.flatMap(({ texts }) => texts));
  const expected = texts.map(({ id, text }) => `${id} ${ratingOf(text) / 10}`);
  expect(scores.toSorted()).toEqual(expected.toSorted());

  // A life asks for nothing twice, and each kill has at most one call of a lane made again.
  for (const life of lives) expect(new Set(life).size).toBe(life.length);
  const repeats = lives.map((life, at) => {
    const before = new Set(lives.slice(0, at).flat());
    return life.filter((text) => before.has(text)).length;
  });
  expect(repeats.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  expect(repeats.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(KILLS * LANES);
});
