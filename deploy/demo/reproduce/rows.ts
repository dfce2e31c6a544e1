import { bestRound, type Journal, roundsOf } from './journal.ts';
import type { RunName } from './plan.ts';

/** A row of the table: one evaluated checkpoint of each seed. */
export interface Row {
  row: RowName;
  title: string;
  run: RunName;
  /** The round whose checkpoint it is, 0 the start; `loss` is the demo's `gate.loss`. */
  roundOf: (journal: Journal, loss: number) => number;
}

export type RowName = (typeof rows)[number]['row'];

const start = (): number => 0;
const first = (): number => 1;
const last = (journal: Journal): number => roundsOf(journal);

/** Table 4 as method §1 defines its rows, the two-stage pipelines, and the controls, each at the round that dev chooses and at its last. */
export const rows = [
  row('zero-shot', 'instruction-tuned (zero-shot)', 'zero-shot', start),
  row('context', 'context datasets only (IF→CD)', 'context', start),
  row('mtl', 'MTL', 'mtl', start),
  row('reset-without-mtl', 'RESET without MTL', 'reset-without-mtl', first),
  row('mtl-reset-1', 'MTL+RESET, one round', 'mtl', first),
  row('mtl-reset', '**MTL+RESET**', 'mtl', bestRound),
  row('mtl-reset-s', 'MTL+RESET-S, one round', 'reset-s', first),
  row('cd', 'base model, then context datasets (CD)', 'cd', start),
  row('cd-if', 'CD, then instructions (CD→IF)', 'cd-if', start),
  row('random', 'control: random candidate', 'random', bestRound),
  row('random-last', 'control: random candidate, last round', 'random', last),
  row('weights-0', 'control: weights 0', 'weights-0', bestRound),
  row('weights-0-last', 'control: weights 0, last round', 'weights-0', last),
  row('gold', 'control: gold references', 'gold', bestRound),
  row('gold-last', 'control: gold references, last round', 'gold', last),
  row('clean', 'clean world: MTL', 'clean', start),
  row('clean-reset', 'clean world: MTL+RESET', 'clean', bestRound),
] as const;

function row<TName extends string>(
  name: TName,
  title: string,
  run: RunName,
  roundOf: (journal: Journal, loss: number) => number,
) {
  return { row: name, title, run, roundOf };
}
