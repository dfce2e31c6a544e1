import { PermanentError } from '../../../shared/contract/failure.ts';

export type Meaning = 'entailment' | 'contradiction' | 'neutral';

/** Lower-case names, with those of FEVER and VitaminC; a number such as `LABEL_0` means nothing by itself and is not here. */
const meanings: ReadonlyMap<string, Meaning> = new Map([
  ['entailment', 'entailment'],
  ['contradiction', 'contradiction'],
  ['neutral', 'neutral'],
  ['supports', 'entailment'],
  ['refutes', 'contradiction'],
  ['not enough info', 'neutral'],
]);

/**
 * Where each meaning stands among a model's labels, which are in no order that one could rely on. Throws PermanentError, beginning with
 * `where`, unless every label has a meaning and every meaning one label.
 */
export function placesOf(labels: readonly string[], where: string): Record<Meaning, number> {
  const found = labels.map((label) => meanings.get(label.toLowerCase().replaceAll('_', ' ')));
  const at = (meaning: Meaning): number => {
    const place = found.indexOf(meaning);
    if (found.length !== 3 || place < 0)
      throw new PermanentError(
        `${where}: the labels are ${labels.map((label) => `"${label}"`).join(', ')}, and they must be entailment, contradiction and neutral, in any order: give the model's own id2label in its config.json`,
      );
    return place;
  };
  return {
    entailment: at('entailment'),
    contradiction: at('contradiction'),
    neutral: at('neutral'),
  };
}
