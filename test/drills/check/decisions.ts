import { scan, tables } from '../../../agents/curator/ledger/tables.ts';
import { decide } from '../../../coordinator/decision/decide.ts';
import { evaluationOf } from '../../../coordinator/decision/epochs.ts';
import { nextOf } from '../../../coordinator/decision/next.ts';
import type { Fact } from '../../../shared/contract/facts.ts';
import { canonicalJson } from '../../../shared/contract/ids.ts';
import type { EvaluationValue } from '../../../shared/contract/steps.ts';
import type { Store } from '../../../shared/store/store.ts';
import { factsOf, type RunEvidence } from './evidence.ts';
import { finder, type Violation } from './violation.ts';

/** I4 for the journal: each fact is what the facts before it and the ledger's evaluations lead to. */
export async function checkDecisions(run: RunEvidence, store: Store): Promise<Violation[]> {
  const { found, expect } = finder('I4');
  const facts = factsOf(run);
  for (const [position, fact] of facts.entries()) {
    if (position === 0 || isUsers(fact)) continue;
    const expected = await expectedFact(run, facts.slice(0, position), store);
    expect(
      expected === undefined || matches(expected, fact),
      () =>
        `${run.name}: position ${position} of the journal is ${canonicalJson(fact)}, and the facts before it lead to ${canonicalJson(expected)}`,
    );
  }
  return found;
}

/** Facts that a user, a failure or the peers bring about; nothing before them leads there. */
function isUsers(fact: Fact): boolean {
  if (fact.fact === 'run.finished') return fact.stopped === 'user' || fact.stopped === 'data';
  return fact.fact === 'run.paused' || fact.fact === 'run.resumed';
}

/** As far as it is given: the step alone where a peer's work decides the rest. */
async function expectedFact(
  run: RunEvidence,
  before: readonly Fact[],
  store: Store,
): Promise<Partial<Fact> | undefined> {
  const next = nextOf(before);
  switch (next.kind) {
    case 'release':
    case 'append':
      return next.fact;
    case 'decide':
      return decide(before, next, {
        before: await valuesOf(run.name, evaluationOf(before, next.incumbentStep).step, store),
        after: await valuesOf(run.name, evaluationOf(before, next.step).step, store),
      });
    case 'curate':
      return { fact: 'dataset.sealed', step: next.step };
    case 'train':
      return {
        fact: 'checkpoint.published',
        step: next.request.step,
        dataset: next.request.dataset,
      };
    case 'evaluate':
      return { fact: 'evaluation.finished', step: next.step, checkpoint: next.checkpoint };
    case 'paused':
    case 'finished':
      return { fact: 'run.resumed' };
  }
}

function matches(expected: Partial<Fact>, fact: Fact): boolean {
  const given = Object.entries(fact).filter(([key]) => key in expected);
  return canonicalJson(Object.fromEntries(given)) === canonicalJson(expected);
}

async function valuesOf(run: string, step: string, store: Store): Promise<EvaluationValue[]> {
  const values: EvaluationValue[] = [];
  for await (const [, some] of scan(store, tables.evaluation, `${run}/${step}/`))
    values.push(...some);
  return values;
}
