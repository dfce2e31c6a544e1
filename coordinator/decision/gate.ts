import type { Difference, FactOf } from '../../shared/contract/facts.ts';
import { randomFrom } from '../../shared/contract/random.ts';
import type { Axis, RunFile } from '../../shared/contract/run-file.ts';
import type { EvaluationValue } from '../../shared/contract/steps.ts';
import { bootstrapDifference, type PairedStratum } from '../../shared/scoring/bootstrap.ts';
import { type Health, noiseBand } from './noise.ts';

/** Dev values of the seen datasets, of the incumbent and of the round's checkpoint. Test and unseen sets never reach a decision. */
export interface DevValues {
  before: readonly EvaluationValue[];
  after: readonly EvaluationValue[];
}

export interface Gate {
  differences: FactOf<'decision.made'>['differences'];
  /** What faithfulness must surely have gained beyond `gate.gain`, because its judges are noisy. */
  noise: number;
  /** Why the round is not promoted; none where the gate is open. */
  against: string[];
}

/**
 * Open if the lower 95 % bound of ΔF is above `gate.gain`, 0 by default, plus the noise band of its judges, and those of ΔI and ΔT are above −`gate.loss` (design §6.10): paired bootstrap,
 * stratified by dataset. Only examples scored under both checkpoints are compared. An axis that no dataset has does not decide; without any
 * faithfulness value nothing is promoted.
 */
export function gate(
  file: RunFile,
  step: string,
  { before, after }: DevValues,
  health: Health,
): Gate {
  const { bootstrap: resamples, ...limits } = file.rounds.gate;
  const difference = (axis: Axis): Difference | null => {
    const strata = pair(axis, before, after);
    if (strata.length === 0) return null;
    return bootstrapDifference(strata, {
      resamples,
      random: randomFrom(file.seed, step, 'gate', axis),
    });
  };
  const differences = {
    faithfulness: difference('faithfulness'),
    instruction: difference('instruction'),
    task: difference('task'),
  };
  const rows = pair('faithfulness', before, after).map((stratum) => stratum.after.length);
  const noise = noiseBand(file, health, 'faithfulness', rows);
  return { differences, noise, against: reasonsAgainst(differences, { ...limits, noise }) };
}

function reasonsAgainst(
  differences: Gate['differences'],
  { gain, loss, noise }: { gain: number; loss: number; noise: number },
): string[] {
  const { faithfulness, instruction, task } = differences;
  const against: string[] = [];
  if (faithfulness === null)
    against.push('no example has a faithfulness score under both checkpoints');
  else if (faithfulness.lower <= gain + noise)
    against.push(`no sure gain in faithfulness${aboveWhat(gain, noise)}: ${words(faithfulness)}`);
  for (const [axis, difference] of [
    ['instruction', instruction],
    ['task', task],
  ] as const) {
    if (difference !== null && difference.lower <= -loss)
      against.push(`${axis} may have lost more than ${loss}: ${words(difference)}`);
  }
  return against;
}

function aboveWhat(gain: number, noise: number): string {
  if (noise > 0) return ` above ${gain} and the noise of its judges, ${noise.toFixed(3)}`;
  return gain === 0 ? '' : ` above ${gain}`;
}

/** A difference with its bounds, for a reason. */
export function words(difference: Difference | null): string {
  if (difference === null) return 'nothing';
  return `${signed(difference.mean)} (95 % bounds ${signed(difference.lower)} to ${signed(difference.upper)})`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}

function pair(
  axis: Axis,
  before: readonly EvaluationValue[],
  after: readonly EvaluationValue[],
): PairedStratum[] {
  const earlier = new Map(
    before
      .filter((value) => value.axis === axis)
      .map((value) => [`${value.dataset}/${value.example}`, value.value]),
  );
  const strata = new Map<string, { before: number[]; after: number[] }>();
  const ordered = after.filter((value) => value.axis === axis).sort(byDatasetAndExample);
  for (const { dataset, example, value } of ordered) {
    const was = earlier.get(`${dataset}/${example}`);
    if (was === undefined) continue;
    const stratum = strata.get(dataset) ?? { before: [], after: [] };
    stratum.before.push(was);
    stratum.after.push(value);
    strata.set(dataset, stratum);
  }
  return [...strata].map(([dataset, values]) => ({ dataset, ...values }));
}

function byDatasetAndExample(a: EvaluationValue, b: EvaluationValue): number {
  const [left, right] = [`${a.dataset}/${a.example}`, `${b.dataset}/${b.example}`];
  return left < right ? -1 : Number(left > right);
}
