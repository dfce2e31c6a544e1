/** What is sampled: units as the curator plans them, and the same samples one by one for whoever has no units. */
import { cutUnits } from '../../../agents/curator/plan/cut.ts';
import { type Cell, cellsOf, greedyCell, requestsOf } from '../../../agents/curator/plan/grid.ts';
import { sampleUnit, servedName } from '../../../agents/curator/plan/requests.ts';
import { renderPrompt } from '../../../agents/curator/dataset/template.ts';
import { dialects } from '../../../agents/sampler/servers/dialects.ts';
import { bodyOf } from '../../../agents/sampler/servers/engine.ts';
import type { Example } from '../../../shared/contract/example.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { SampleUnit } from '../../../shared/contract/work.ts';
import { makeExample, makeRunFile } from '../../support/run.ts';
import { wordsFrom } from '../loop/workload.ts';

/**
 * `grid`: the seven temperatures of each example, a request each. `again`: seven that a later round has shifted towards few of them, so that
 * some are samples of one request. `greedy`: an evaluation, one answer an example.
 */
export const kinds = ['grid', 'again', 'greedy'] as const;
export type Kind = (typeof kinds)[number];

/** As in a run file for a model of 7B, and words enough for about 500 tokens of this engine. */
const MAX_TOKENS = 480;
const CONTEXT_WORDS = 420;
const SEED = 7;

/** Win rates of a round before, by cell. */
const WON = {
  't0.1': 0.3,
  't0.2': 0.1,
  't0.3': 0.05,
  't0.4': 0.02,
  't0.5': 0,
  't0.6': 0,
  't0.7': 0,
};

/** An answer has a quarter to all of the tokens that it may have. */
export const MEAN_TOKENS = 0.625 * MAX_TOKENS;

export const file: RunFile = makeRunFile({
  run: 'bench',
  seed: SEED,
  sampling: {
    server: 'local',
    draw: 'temperature',
    maxTokens: MAX_TOKENS,
    reallocate: { floor: 0.05 },
  },
});

/** Units of at least so many samples. */
export function planUnits(kind: Kind, samples: number, checkpoint: string): SampleUnit[] {
  const example = (at: number): Example =>
    makeExample({
      context: wordsFrom(at, CONTEXT_WORDS),
      question: `What is said of number ${at}?`,
    });
  const cells = cellsFor(kind, '').length;
  const examples = Array.from({ length: Math.ceil(samples / cells) }, (_, at) => example(at));
  const byId = new Map(examples.map((one) => [one.id, one]));
  const planned = cutUnits(examples, {
    step: 'r1',
    split: kind === 'greedy' ? 'dev' : 'train',
    answers: cells,
    maxTokens: MAX_TOKENS,
    promptOf: (one) => renderPrompt(file.model, one),
  });
  return planned.map((unit) =>
    sampleUnit(
      file,
      checkpoint,
      unit,
      unit.examples.flatMap((id) => byId.get(id) ?? []),
      (id) => requestsOf(cellsFor(kind, id), SEED, checkpoint, id),
    ),
  );
}

/** The body of a request for each sample by itself, in the order of the units. */
export function bodiesOf(units: readonly SampleUnit[]): string[] {
  return units.flatMap(({ items, servedName: model, maxTokens }) =>
    items.flatMap(({ prompt, requests }) =>
      requests.map(({ temperature, topK, seed }) => {
        const completion = { model, prompt, temperature, topK, seed, maxTokens, logprobs: false };
        return JSON.stringify(bodyOf(completion, 1, dialects.vllm));
      }),
    ),
  );
}

export function nameOf(checkpoint: string): string {
  return servedName(file.run, checkpoint);
}

function cellsFor(kind: Kind, example: string): readonly Cell[] {
  if (kind === 'greedy') return [greedyCell];
  return cellsOf(file.sampling, SEED, 2, example, kind === 'again' ? WON : null);
}
