import { messageOf } from '../../../shared/contract/failure.ts';
import { checkAcknowledged } from './acknowledged.ts';
import { checkConservation } from './conservation.ts';
import { checkCounting } from './counting.ts';
import { checkEnding } from './ending.ts';
import { type Evidence, readEvidence } from './evidence.ts';
import { checkIdentity } from './identity.ts';
import { checkRebuild } from './rebuild.ts';
import { checkRepetition } from './repetition.ts';
import type { Violation } from './violation.ts';

export interface CheckOptions {
  /** State folder of an undisturbed run of the same run file. */
  readonly reference?: string | undefined;
  /** Replaces the crashes that the drill recorded. */
  readonly crashes?: number | undefined;
}

/** All invariants of a state folder whose cluster has ended. Changes nothing there. */
export async function check(
  state: string,
  { reference, crashes }: CheckOptions = {},
): Promise<Violation[]> {
  const opened = await evidenceOf(state);
  if ('found' in opened) return [opened.found];
  await using evidence = opened;
  const found = [
    ...checkConservation(evidence),
    ...(await checkCounting(evidence)),
    ...checkAcknowledged(evidence),
    ...checkRepetition(evidence, crashes),
    ...checkEnding(evidence),
  ];
  if (reference !== undefined) {
    await using undisturbed = await readEvidence(reference);
    found.push(...(await checkIdentity(evidence, undisturbed)));
  }
  // Last: it uses up the copy of the ledger.
  return [...found, ...(await checkRebuild(evidence))];
}

async function evidenceOf(state: string): Promise<Evidence | { found: Violation }> {
  try {
    return await readEvidence(state);
  } catch (error) {
    return { found: { invariant: 'I3', what: `the ledger cannot be read: ${messageOf(error)}` } };
  }
}
