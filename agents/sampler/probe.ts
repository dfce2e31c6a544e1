/**
 * Which weights a server has, told by its greedy answers. Engines and their number formats differ in the last bits, so log probabilities are
 * compared within a tolerance, and a text may leave the expected one where two tokens were equally likely.
 */
import { setMaxListeners } from 'node:events';
import type { Probe } from '../../shared/contract/checkpoint.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { Completed, Completion, ModelServer } from './servers/driver.ts';

type Expected = Probe[number];

/** As many tokens as the training program wrote for each prompt of the probe, at most. */
const PROBE_TOKENS = 16;
/** Two tokens can be equally likely from here on down. */
const TIE = Math.log(1 / 2);

/** Said where no log probability tells whether two tokens were nearly as likely. */
const BLIND =
  ' (it gives no log probabilities, so its texts must be the same: let it compute in float32)';

/** Asked where neither the checkpoint nor its parent has a probe. */
const PROMPTS = [
  'The capital of France is',
  'Question: What is two plus two?\nAnswer:',
  'Once upon a time, there was',
  'In short, the passage says that',
];

export function promptsOf(probe: Probe): readonly string[] {
  return probe.length === 0 ? PROMPTS : probe.map(({ prompt }) => prompt);
}

/** The server's greedy answers to the prompts. PermanentError where it refuses one. */
export function askProbe(
  server: ModelServer,
  asked: Pick<Completion, 'model' | 'stop'>,
  prompts: readonly string[],
  signal: AbortSignal,
): Promise<Generated[]> {
  // One listener a prompt.
  setMaxListeners(0, signal);
  const settings = { temperature: 0, topK: 0, seed: 0, maxTokens: PROBE_TOKENS, logprobs: true };
  return Promise.all(
    prompts.map(async (prompt) => {
      const completed = await server.complete({ ...asked, prompt, ...settings }, signal);
      if (completed.outcome === 'failed')
        throw new PermanentError(
          `${server.url} refuses a prompt of the probe of ${asked.model}: ${completed.reason}`,
        );
      return completed;
    }),
  );
}

type Generated = Extract<Completed, { outcome: 'generated' }>;

/** What the answers of a server say of weights that the training program has no probe of. */
export function record(prompts: readonly string[], answers: readonly Generated[]): Probe {
  return answers.map(({ text, logprobs }, i) => ({
    prompt: prompts[i] ?? '',
    tokens: [],
    text,
    logprobs: [...(logprobs ?? [])],
  }));
}

/** How answers differ from what is expected: each prompt that does, in words, and the mean distance of the log probabilities, NaN where there are none. */
export function differences(
  answers: readonly Generated[],
  expected: Probe,
  tolerance: number,
): { found: readonly string[]; distance: number } {
  const compared = expected.map((one, i) => compareOne(answers[i], one, tolerance));
  const distances = compared.flatMap(({ distances }) => distances);
  return {
    found: compared.flatMap(({ problem }) => problem ?? []),
    distance: distances.reduce((sum, one) => sum + one, 0) / distances.length,
  };
}

interface Compared {
  problem?: string;
  distances: readonly number[];
}

function compareOne(
  answer: Generated | undefined,
  expected: Expected,
  tolerance: number,
): Compared {
  if (answer === undefined) return { problem: 'an answer is missing', distances: [] };
  const { text, logprobs, pieces } = answer;
  const other = `${JSON.stringify(text)} instead of ${JSON.stringify(expected.text)}`;
  if (logprobs === null || expected.logprobs.length === 0)
    return text === expected.text
      ? { distances: [] }
      : { problem: logprobs === null ? other + BLIND : other, distances: [] };
  const alike = text === expected.text ? undefined : tokensAlike(pieces ?? [], text, expected.text);
  const compared = expected.logprobs.slice(0, alike === undefined ? undefined : alike + 1);
  const distances = compared.map((value, i) =>
    Math.abs(value - (logprobs[i] ?? Number.NEGATIVE_INFINITY)),
  );
  const worst = Math.max(0, ...distances);
  const leaves = [logprobs[alike ?? 0], expected.logprobs[alike ?? 0]];
  if (alike !== undefined && !leaves.every((value) => (value ?? 0) <= TIE + tolerance))
    return { problem: other, distances };
  if (worst <= tolerance) return { distances };
  return {
    problem: `a log probability differs by ${worst.toFixed(4)}, at most ${tolerance} is allowed`,
    distances,
  };
}

/** How many tokens both texts begin with. */
function tokensAlike(pieces: readonly string[], text: string, expected: string): number {
  let common = 0;
  while (common < text.length && text[common] === expected[common]) common += 1;
  let length = 0;
  return pieces.findIndex((piece) => (length += piece.length) > common);
}
