import type { Estimate } from '../../../shared/contract/facts.ts';
import { stepOfRound } from '../../../shared/contract/ids.ts';
import type { Habits } from '../world/habits.ts';
import { type EngineName, engines } from './engines.ts';
import { datasetOf, evaluatedCheckpoint } from './journal.ts';
import type { Finished } from './plan.ts';
import { type RowName, rows } from './rows.ts';
import { type Column, columnNames, columns, estimateOf } from './scores.ts';
import {
  type Finding,
  findingsOf,
  type Forgetting,
  forgettingOf,
  type ScoresByRow,
} from './targets.ts';

/** What makes a reproduction the one that it is. */
export interface Settings {
  engine: EngineName;
  seeds: readonly number[];
  size: 'full' | 'small';
  habits: Habits;
  /** Seed of the world's words; 0 is the English-like vocabulary. */
  vocabulary: number;
}

export interface TableRow {
  row: RowName;
  title: string;
  /** Which checkpoint it was under each seed. */
  checkpoints: { seed: number; round: number; checkpoint: string }[];
  scores: Record<Column, Estimate | null>;
  /** Of the columns of faithfulness: what the generator of the world says. Nothing ever decided by it. */
  oracle: Partial<Record<Column, Estimate | null>>;
}

/** The reproduction's result: means over seeds, test sets, 95 % bounds. It holds no clock, path or host. */
export interface Table extends Settings {
  rows: TableRow[];
  findings: Finding[];
  forgetting: Forgetting[];
  /** Seeds where RESET without MTL was not trained on the very dataset of MTL+RESET's first round; empty is right. */
  otherData: number[];
}

/** @param loss the demo's `gate.loss`, by which dev chooses a round */
export function tableOf(
  settings: Settings,
  finished: ReadonlyMap<number, Finished>,
  scores: ScoresByRow,
  loss: number,
): Table {
  const carriedOut = new Set([...finished.values()].flatMap((runs) => [...runs.keys()]));
  return {
    ...settings,
    rows: rows
      .filter(({ run }) => carriedOut.has(run))
      .map(({ row, title, run, roundOf }) => ({
        row,
        title,
        checkpoints: settings.seeds.map((seed) => {
          const journal = finished.get(seed)?.get(run) ?? [];
          const round = roundOf(journal, loss);
          return { seed, round, checkpoint: evaluatedCheckpoint(journal, round) };
        }),
        scores: Object.fromEntries(
          columnNames.map((name) => [name, estimateOf(scores[row], name)]),
        ) as TableRow['scores'],
        oracle: Object.fromEntries(
          columnNames
            .filter((name) => columns[name].measure === 'faithfulness')
            .map((name) => [name, estimateOf(scores[row], name, 'oracle')]),
        ),
      })),
    findings: findingsOf(scores, engines[settings.engine].comparisons),
    forgetting: forgettingOf(scores),
    otherData: settings.seeds.filter((seed) => !hasSameData(finished.get(seed))),
  };
}

function hasSameData(finished: Finished | undefined): boolean {
  const without = finished?.get('reset-without-mtl');
  if (without === undefined) return true;
  const [one, other] = [finished?.get('mtl') ?? [], without].map((journal) =>
    datasetOf(journal, stepOfRound(1)),
  );
  return one === other;
}
