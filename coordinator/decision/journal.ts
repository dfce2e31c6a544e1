/** What the journal of a run says of it, as decisions need it. */
import type { Fact, FactOf } from '../../shared/contract/facts.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import { stepOfRound } from '../../shared/contract/ids.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';

type Journal = readonly Fact[];

/** The run file that the journal begins with. */
export function runFileOf(journal: Journal): RunFile {
  const opened = journal[0];
  if (opened?.fact !== 'run.opened')
    throw new PermanentError(
      'the journal does not begin with run.opened: restore the ledger from a backup',
    );
  return opened.file;
}

/** The checkpoint that rounds start from now, and the step that evaluated it: the last promoted one, or the start. */
export function incumbentOf(journal: Journal): { checkpoint: string; step: string } | undefined {
  const start = startCheckpoint(journal);
  if (start === undefined) return undefined;
  const promoted = journal.findLast(
    (fact) => fact.fact === 'decision.made' && fact.decision === 'promote',
  );
  if (promoted?.fact !== 'decision.made') return { checkpoint: start, step: stepOfRound(0) };
  const published = find(journal, 'checkpoint.published', promoted.step);
  return { checkpoint: published?.checkpoint ?? start, step: promoted.step };
}

/** How often the run was resumed: what was unscored or failed is tried again under a higher number. */
export function attemptOf(journal: Journal): number {
  return journal.filter((fact) => fact.fact === 'run.resumed').length;
}

/** The steps that make the starting checkpoint, in order. */
export function startSteps(file: RunFile): string[] {
  return file.start.length === 0 ? ['start-0'] : file.start.map((_, index) => `start-${index}`);
}

/** What rounds are compared with; undefined before it is published. */
export function startCheckpoint(journal: Journal): string | undefined {
  const last = startSteps(runFileOf(journal)).at(-1);
  return last === undefined ? undefined : find(journal, 'checkpoint.published', last)?.checkpoint;
}

/** The last fact of this name. */
export function findLast<TName extends Fact['fact']>(
  journal: Journal,
  name: TName,
): FactOf<TName> | undefined {
  return journal.findLast((fact): fact is FactOf<TName> => fact.fact === name);
}

type StepFact = Extract<Fact, { step: string }>['fact'];

/** The fact of this name about this step. */
export function find<TName extends StepFact>(
  journal: Journal,
  name: TName,
  step: string,
): FactOf<TName> | undefined {
  return journal.find(
    (fact): fact is FactOf<TName> => fact.fact === name && 'step' in fact && fact.step === step,
  );
}
