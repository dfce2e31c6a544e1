import { digestOf } from '../../../shared/contract/ids.ts';
import type { Fact } from '../../../shared/contract/facts.ts';
import { compareFolders } from './rebuild.ts';
import { type Evidence, factsOf, places, type RunEvidence } from './evidence.ts';
import { finder, type Violation } from './violation.ts';

/** Sealed datasets, checkpoints and facts are those of an undisturbed run of the same run file, byte by byte. */
export async function checkIdentity(evidence: Evidence, reference: Evidence): Promise<Violation[]> {
  const { found, expect } = finder('identity');
  for (const run of reference.runs) {
    const other = evidence.runs.find(({ name }) => name === run.name);
    expect(other !== undefined, () => `there is no run ${run.name}`);
    if (other === undefined) continue;
    const expected = comparable(run, reference.state);
    const given = comparable(other, evidence.state);
    expect(
      given.length === expected.length,
      () => `${run.name}: ${given.length} facts, the undisturbed run has ${expected.length}`,
    );
    for (const [index, text] of expected.entries())
      expect(
        given[index] === text,
        () =>
          `${run.name}: fact ${index} is ${given[index] ?? 'missing'}, the undisturbed run has ${text}`,
      );
    const [from, to] = [places(reference.state), places(evidence.state)];
    const facts = factsOf(run);
    const sealed = facts.flatMap((fact) => (fact.fact === 'dataset.sealed' ? [fact.dataset] : []));
    const published = facts.flatMap((fact) =>
      fact.fact === 'checkpoint.published' ? [fact.checkpoint] : [],
    );
    found.push(
      ...(await compareFolders(from.datasets, to.datasets, sealed, 'identity')),
      ...(await compareFolders(from.checkpoints, to.checkpoints, published, 'identity')),
    );
  }
  return found;
}

/** Facts without pauses, and with the state folder, which the run file's data paths begin with, left out. */
function comparable(run: RunEvidence, state: string): string[] {
  return factsOf(run)
    .filter(({ fact }) => fact !== 'run.paused' && fact !== 'run.resumed')
    .map((fact) => JSON.stringify(withoutPlace(fact)).replaceAll(state, '<state>'));
}

/** The digest of a run file covers its data paths; what it says besides is compared as it stands. */
function withoutPlace(fact: Fact): Fact {
  return fact.fact === 'run.opened' ? { ...fact, digest: digestOf('') } : fact;
}
