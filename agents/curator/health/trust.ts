import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { UnitAnswers } from './answers.ts';

/**
 * The judges that scored a canary above `rounds.canaries.atMost`, each with its words for a person; none where canaries are off. Such a
 * judge's scores of the candidates are worth as little, and a round that was selected by them would train on what fools it.
 */
export function distrusted(
  { rounds }: Pick<RunFile, 'rounds'>,
  units: readonly UnitAnswers[],
): Map<string, string> {
  const reasons = new Map<string, string>();
  if (rounds.canaries === null) return reasons;
  const { atMost } = rounds.canaries;
  for (const { canaries } of units)
    for (const [judge, answers] of canaries)
      for (const { canary, example, said } of answers) {
        if (typeof said !== 'number' || said <= atMost || reasons.has(judge)) continue;
        reasons.set(
          judge,
          `judge ${judge} gave canary ${canary} of example ${example.slice(0, 8)} ${said.toFixed(3)}, at most ${atMost} is right (rounds.canaries.atMost)`,
        );
      }
  return reasons;
}
