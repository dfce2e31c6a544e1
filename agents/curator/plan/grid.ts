/**
 * The decoding grid (RESET paper, 2.3; method.md §1).
 *
 * G1. One pass draws temperature or top-k for each example, by (run seed, round, example), and takes all values of the family.
 * G2. The second pass is the family that was not drawn.
 * G3. Grid order is the order of the run file; ties of a selection fall back on it.
 * G4. With `reallocate`, from the second round on the cells of each family share its requests by their win rates. Greedy cells are left
 *     as they are: asked again they say the same.
 */
import { candidateId, requestSeed } from '../../../shared/contract/ids.ts';
import { randomFrom } from '../../../shared/contract/random.ts';
import type { Sampling } from '../../../shared/contract/run-file.ts';
import type { SampleRequest } from '../../../shared/contract/work.ts';
import { reallocate, type WinRates } from './reallocate.ts';

/** One decoding setting. `temperature` 0 is greedy, `topK` 0 is off. */
export interface Cell {
  /** Such as `t0.1` or `k50`. */
  readonly name: string;
  readonly temperature: number;
  readonly topK: number;
}

/** What an evaluation samples: one answer without chance. */
export const greedyCell: Cell = { name: 'greedy', temperature: 0, topK: 0 };

/** The cells of one example in one round, in grid order, each as often as it is asked. `winRates` are those of the round before. */
export function cellsOf(
  sampling: Sampling,
  seed: number,
  round: number,
  example: string,
  winRates: WinRates | null = null,
): readonly Cell[] {
  const families = [temperatureCells(sampling), topKCells(sampling)];
  if (drawsTopK(sampling, seed, round, example)) families.reverse();
  return families.slice(0, sampling.passes).flatMap((family) => {
    const { reallocate: options } = sampling;
    if (options === undefined || winRates === null || family.every(isGreedy)) return family;
    const random = randomFrom(seed, 'reallocate', round, example, family[0]?.name ?? '');
    return reallocate(family, winRates, options.floor, random);
  });
}

function isGreedy({ temperature }: Cell): boolean {
  return temperature === 0;
}

/** The names of all cells that the grid has, in grid order. */
export function cellNames(sampling: Sampling): string[] {
  return [...temperatureCells(sampling), ...topKCells(sampling)].map(({ name }) => name);
}

/** How many cells an example can have at most: what a unit's size is reckoned with. */
export function mostCells({ draw, passes, temperatures, topK }: Sampling): number {
  if (passes === 2) return temperatures.length + topK.length;
  if (draw === 'temperature') return temperatures.length;
  if (draw === 'topK') return topK.length;
  return Math.max(temperatures.length, topK.length);
}

/** A generation that the grid asks for, by its id, and the cells that it stands for. */
export type PlannedCandidate = Omit<SampleRequest, 'seed'>;

/** The requests that fill the cells. */
export function requestsOf(...grid: Parameters<typeof candidatesOf>): SampleRequest[] {
  return candidatesOf(...grid).map((one) => ({ ...one, seed: requestSeed(one.candidate) }));
}

/**
 * The candidates of the cells. Greedy cells give the same answer whatever their top-k, so one candidate stands for all of
 * them (preset `paper` fixes temperature 0 for top-k: one candidate with seven cells).
 */
export function candidatesOf(
  cells: readonly Cell[],
  seed: number,
  checkpoint: string,
  example: string,
): PlannedCandidate[] {
  const greedy = cells.filter(isGreedy);
  const asked = cells.filter((cell) => cell.temperature > 0 || cell === greedy[0]);
  const times = new Map<string, number>();
  return asked.map((cell) => {
    const index = times.get(cell.name) ?? 0;
    times.set(cell.name, index + 1);
    const candidate = candidateId(seed, checkpoint, example, cell.name, index);
    return {
      candidate,
      cells: cell === greedy[0] ? greedy.map(({ name }) => name) : [cell.name],
      temperature: cell.temperature,
      topK: cell.temperature === 0 ? 0 : cell.topK,
    };
  });
}

function drawsTopK({ draw }: Sampling, seed: number, round: number, example: string): boolean {
  if (draw !== 'both') return draw === 'topK';
  return randomFrom(seed, 'draw', round, example).integer(2) === 1;
}

function temperatureCells({ temperatures }: Sampling): Cell[] {
  return temperatures.map((temperature) => ({ name: `t${temperature}`, temperature, topK: 0 }));
}

function topKCells({ topK, topKTemperature }: Sampling): Cell[] {
  return topK.map((k) => ({ name: `k${k}`, temperature: topKTemperature, topK: k }));
}
