import type { ActorRefFrom } from 'xstate';
import type { Bus, Directory } from '../../shared/bus/bus.ts';
import { PermanentError, TransientError } from '../../shared/contract/failure.ts';
import { digestOf } from '../../shared/contract/ids.ts';
import type { RunFile } from '../../shared/contract/run-file.ts';
import type { Clock } from '../../shared/process/clock.ts';
import type { CuratorServiceHandlers } from '../../shared/rpc/generated/reset/v1/CuratorService.ts';
import { handleStream, handleUnary } from '../../shared/rpc/server.ts';
import type { Store } from '../../shared/store/store.ts';
import { explain } from './explain.ts';
import type { JournalEntry } from './ledger/journal.ts';
import { scan, tables, Task } from './ledger/tables.ts';
import { type curatorMachine, taskId } from './machine.ts';
import { bindRun, type LedgerIdentity, openRun, parseRunFile } from './open.ts';
import { readAnswers } from './read-answers.ts';
import { readShards } from './read-dataset.ts';
import { recurate } from './recurate.ts';
import { curateRequest, evaluateRequest, parseFact, parseRecurating } from './requests.ts';
import type { Run } from './run.ts';
import type { TaskActor } from './step/machine.ts';
import { workOf } from './step/work.ts';
import { watchTask } from './watch.ts';

export interface ServiceDeps {
  readonly store: Store;
  readonly bus: Bus;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly identity: () => LedgerIdentity;
  readonly datasets: string;
  readonly runs: Map<string, Run>;
  readonly curator: ActorRefFrom<typeof curatorMachine>;
}

/** The calls of `CuratorService`; each says in the proto what it may be repeated for. */
export function curatorHandlers(deps: ServiceDeps): CuratorServiceHandlers {
  const { store, clock, curator, datasets } = deps;
  const open = oneAtATime((file: RunFile) => openOnce(deps, file));
  return {
    OpenRun: handleUnary(async ({ runFile }) => ({ opened: await open(parseRunFile(runFile)) })),
    StartCurate: handleUnary(({ run, step, attempt }) => {
      const request = curateRequest(runOf(deps, run), step, attempt);
      curator.send({ type: 'task.requested', request });
      return Promise.resolve({});
    }),
    StartEvaluate: handleUnary(({ run, step, checkpoint, attempt }) => {
      const request = evaluateRequest(runOf(deps, run), step, checkpoint, attempt);
      curator.send({ type: 'task.requested', request });
      return Promise.resolve({});
    }),
    Watch: handleStream(async function* ({ run: name, step, task }, signal) {
      const run = runOf(deps, name);
      for await (const event of watchTask(run, () => taskOf(deps, name, step, task), clock, signal))
        yield 'outcome' in event
          ? { outcome: JSON.stringify(event.outcome) }
          : { progress: JSON.stringify(event.progress) };
    }),
    AppendFact: handleUnary(async ({ run, expectedLength, fact }) => ({
      length: await runOf(deps, run).journal.append(expectedLength, parseFact(fact)),
    })),
    ReadJournal: handleStream(async function* ({ run, from, follow }, signal) {
      const { journal } = runOf(deps, run);
      if (follow) for await (const entry of journal.follow(from, signal)) yield toMessage(entry);
      else yield* journal.entries().slice(from).map(toMessage);
    }),
    ReadDataset: handleStream(({ dataset, offset }) => readShards(datasets, dataset, offset)),
    ReadEvaluation: handleStream(async function* ({ run, step }) {
      for await (const [, values] of scan(store, tables.evaluation, `${run}/${step}/`))
        yield { values: JSON.stringify(values) };
    }),
    ReadAnswers: handleStream(async function* ({ run, step }) {
      for await (const answer of readAnswers(runOf(deps, run), step, store))
        yield { answer: JSON.stringify(answer) };
    }),
    Explain: handleUnary(async ({ run, example }) => ({
      explanation: JSON.stringify(await explain(runOf(deps, run), example, store)),
    })),
    Recurate: handleStream(async function* ({ run, step, changes }) {
      for await (const part of recurate(runOf(deps, run), step, parseRecurating(changes), store))
        yield { part: JSON.stringify(part) };
    }),
    ReadUnit: handleUnary(async ({ run, queue, unit }) => {
      const work = await workOf(runOf(deps, run), queue, unit, store);
      if (work === undefined)
        throw new PermanentError(`unit ${unit} has nothing to do in queue ${queue} any more`);
      return { unit: JSON.stringify(work) };
    }),
  };
}

async function openOnce(
  { runs, store, bus, directory, identity, curator }: ServiceDeps,
  file: RunFile,
): Promise<boolean> {
  refuseUntilLoaded(curator);
  const known = runs.get(file.run);
  if (known !== undefined) {
    if (digestOf(known.file) === digestOf(file)) return false;
    throw new PermanentError(
      `run ${file.run} was opened with another run file; give the changed one another name`,
    );
  }
  const run = await openRun(file, () => bindRun(file.run, identity(), bus, directory), store);
  runs.set(run.name, run);
  curator.send({ type: 'run.opened', run: run.name });
  return true;
}

/** Before the ledger is read, a known run would look like a new one. */
function refuseUntilLoaded(curator: ServiceDeps['curator']): void {
  if (curator.getSnapshot().value !== 'serving')
    throw new TransientError('the curator is reading its ledger, or stopping');
}

function runOf({ runs, curator }: ServiceDeps, name: string): Run {
  refuseUntilLoaded(curator);
  const refused = curator.getSnapshot().context.refused[name];
  if (refused !== undefined) throw new PermanentError(refused);
  const run = runs.get(name);
  if (run !== undefined) return run;
  throw new PermanentError(`this curator has no run "${name}"`);
}

function taskOf({ curator }: ServiceDeps, run: string, step: string, name: string): TaskActor {
  const task = Task.safeParse(name);
  if (!task.success) throw new PermanentError(`"${name}" is neither curate nor evaluate`);
  const actor = curator.getSnapshot().context.tasks[taskId({ run, step, task: task.data })];
  if (actor !== undefined) return actor;
  throw new PermanentError(`${name} of ${step} of run ${run} was not started`);
}

function toMessage({ position, fact, at }: JournalEntry) {
  return { position, fact: JSON.stringify(fact), at };
}

/** Two calls for the same new run must not both open it. */
function oneAtATime<TInput, TResult>(
  act: (input: TInput) => Promise<TResult>,
): (input: TInput) => Promise<TResult> {
  let last: Promise<unknown> = Promise.resolve();
  return (input) => {
    const turn = last.then(() => act(input));
    last = turn.catch(() => undefined);
    return turn;
  };
}
