import { Answer } from '../../../shared/contract/steps.ts';
import { linesOf } from '../../local/reset-loop.ts';
import type { TestSet } from '../world/test-sets.ts';
import type { Truth } from '../world/truth.ts';
import type { Measure, Part } from './scores.ts';

/** The test values of a finished run's round, and the oracle's beside them. */
export async function readParts(
  { run, round, seed }: { run: string; round: number; seed: number },
  sets: readonly TestSet[],
  truth: Truth,
  state: string,
  signal: AbortSignal,
): Promise<Part[]> {
  const parts = new Map<string, Part & { examples: string[]; values: number[] }>();
  const add = (dataset: TestSet, measure: Measure, example: string, value: number): void => {
    const key = `${dataset.name} ${measure}`;
    const part = parts.get(key) ?? { seed, dataset, measure, examples: [], values: [] };
    parts.set(key, part);
    part.examples.push(example);
    part.values.push(value);
  };
  for await (const line of linesOf(['answers', String(round), '--run', run], state, signal)) {
    const { split, dataset, example, text, values } = Answer.parse(JSON.parse(line));
    const set = sets.find(({ name }) => name === dataset);
    if (split !== 'test' || set === undefined) continue;
    for (const measure of ['faithfulness', 'instruction', 'task'] as const) {
      const value = values[measure];
      if (value !== undefined) add(set, measure, example, value);
    }
    const oracle = text === null ? null : truth(example, text);
    if (oracle !== null) add(set, 'oracle', example, oracle);
  }
  return [...parts.values()];
}
