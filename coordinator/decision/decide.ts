import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { stepOfRound } from '../../shared/contract/ids.ts';
import { epochWords, evaluationOf } from './epochs.ts';
import { type DevValues, gate, words } from './gate.ts';
import { measureGuardrails, wordsOf } from './guardrails.ts';
import { find, runFileOf } from './journal.ts';
import type { Next } from './next.ts';
import { failureSignature } from './signature.ts';

/**
 * What becomes of an evaluated round: `promote` where the gate is open and no guardrail tripped, else `keep`: it stays on record and is no
 * parent. A tripped guardrail ends the run (`stop`) where `rounds.guardrails.action` says so. A function of the journal and the dev values
 * of the seen datasets, as the judges gave them in one score epoch; nothing of test or of an unseen dataset is read.
 */
export function decide(
  journal: readonly Fact[],
  { step, round, incumbentStep, withoutPromotion }: Extract<Next, { kind: 'decide' }>,
  values: DevValues,
): FactOf<'decision.made'> {
  const file = runFileOf(journal);
  const { health } = find(journal, 'dataset.sealed', step) ?? {};
  const { differences, noise, against } = gate(file, step, values, health);
  const evaluations = {
    start: evaluationOf(journal, stepOfRound(0)),
    incumbent: evaluationOf(journal, incumbentStep),
    round: evaluationOf(journal, step),
    kl: find(journal, 'checkpoint.published', step)?.kl ?? null,
  };
  const surelyGained = (differences.faithfulness?.lower ?? 0) > 0;
  const guardrails = measureGuardrails(file, evaluations, surelyGained);
  const tripped = guardrails.filter((guardrail) => guardrail.tripped).map(wordsOf);
  const stopped = tripped.length > 0 && file.rounds.guardrails.action === 'stop';
  const promoted = against.length === 0 && tripped.length === 0;
  const signature = promoted
    ? undefined
    : failureSignature(differences, {
        loss: file.rounds.gate.loss,
        againstStart: incumbentStep === stepOfRound(0),
      });
  const epoch = epochWords(journal, { step, incumbentStep });
  const reasons = [
    ...(epoch === undefined ? [] : [epoch]),
    ...(against.length === 0
      ? [
          `faithfulness ${file.rounds.gate.gain < 0 ? 'changed' : 'rose'} by ${words(differences.faithfulness)}; instruction and task held`,
        ]
      : against),
    ...(tripped.length === 0
      ? []
      : [`${stopped ? 'stopped' : 'rolled back'} by guardrails: ${tripped.join(', ')}`]),
    ...(signature === undefined ? [] : [signature]),
  ];
  return {
    fact: 'decision.made',
    step,
    round,
    decision: stopped ? 'stop' : promoted ? 'promote' : 'keep',
    reason: reasons.join('; '),
    differences,
    ...(noise === 0 ? {} : { noise }),
    guardrails,
    withoutPromotion: promoted ? 0 : withoutPromotion + 1,
  };
}
