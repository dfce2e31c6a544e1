import type { Fact } from '../../../shared/contract/facts.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import { releasedIn, releasedWords } from '../../../shared/contract/released.ts';

/** A named thing of the run and the sha256 that says exactly which it is. */
export interface NamedDigest {
  readonly what: string;
  readonly digest: string;
}

/** Every digest of a run, in the order in which they came; judges by their specification in the run file, `nameOf` says what they are called. */
export function digestsOf(
  facts: readonly Fact[],
  nameOf: (judge: string) => string,
): NamedDigest[] {
  const released = releasedIn(facts);
  return facts.flatMap((fact) => {
    switch (fact.fact) {
      case 'run.opened':
        return [
          { what: 'run file', digest: fact.digest },
          ...fact.file.judges.map((judge) => ({
            what: `judge ${nameOf(judge.name)} (${judge.type})`,
            digest: digestOf(judge),
          })),
        ];
      case 'dataset.sealed':
        return [{ what: `${fact.step}: dataset`, digest: fact.dataset }];
      case 'checkpoint.published':
        return [
          {
            what: `${fact.step}: checkpoint${releasedWords(released.get(fact.checkpoint))}`,
            digest: fact.checkpoint,
          },
        ];
      case 'evaluation.finished':
        return [{ what: `${fact.step}: evaluation`, digest: fact.evaluation }];
      default:
        return [];
    }
  });
}
