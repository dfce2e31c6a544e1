import { EventEmitter, on } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createActor, type Actor } from 'xstate';
import { PermanentError } from '../../shared/contract/failure.ts';
import { Digest } from '../../shared/contract/ids.ts';
import type { TrainOutcome, TrainProgress, TrainRequest } from '../../shared/contract/steps.ts';
import { createJob, type JobDeps, profileOf } from './actors.ts';
import { claim, release } from './checkpoint/claims.ts';
import { publishedName } from './checkpoint/publish.ts';
import { launchOf } from './job/attempt.ts';
import { openAttempt, readAttempts } from './job/attempts.ts';
import { cancelledJobs, fileCancel, fileRequest, jobFolder, readRequest } from './job/folder.ts';
import { spentOn } from './job/spent.ts';
import type { Launcher } from './launch/launcher.ts';
import { launcherOf } from './launch/launchers.ts';
import type { jobMachine } from './machine.ts';

type JobActor = Actor<typeof jobMachine>;

export type JobMessage = { progress: TrainProgress } | { outcome: TrainOutcome };

/** Of the 10 s that a process has to end. */
const DRAIN_MS = 8000;

/** The jobs of this trainer, by run and step: started by a request, found again in their folders after a restart. */
export class Jobs {
  readonly #deps: JobDeps;
  readonly #actors = new Map<string, JobActor>();
  readonly #changes = new EventEmitter().setMaxListeners(0);

  constructor(deps: JobDeps) {
    this.#deps = deps;
  }

  /** Starts the job of a step, or leaves the one alone that goes on. Throws PermanentError when the step has another request. */
  async start(request: TrainRequest): Promise<void> {
    profileOf(this.#deps.environment, request);
    const { run, from } = request;
    const given = from.kind === 'folder' ? publishedName(from.path) : undefined;
    if (given !== undefined) await claim(this.#deps.environment.checkpoints, given, run);
    await fileRequest(this.#folder(request), request);
    this.#drive(request);
  }

  /** Removes the checkpoints that a run needs no more, as far as no other run needs them. */
  async release(run: string, round: number, checkpoints: readonly string[]): Promise<void> {
    for (const digest of checkpoints)
      await release(this.#deps.environment.checkpoints, Digest.parse(digest), { run, round });
  }

  /** Progress as it comes, then the outcome. A job that this process does not know is looked for in its folder. */
  async *watch(run: string, step: string, signal: AbortSignal): AsyncGenerator<JobMessage> {
    const request = await readRequest(this.#folder({ run, step }));
    if (request === undefined)
      throw new PermanentError(`no job was started for step ${step} of ${run}`);
    const actor = this.#drive(request);
    const changes = on(this.#changes, keyOf(request), { signal }) as AsyncIterable<unknown>;
    let told: TrainProgress | undefined;
    const news = (): JobMessage | undefined => {
      const snapshot = actor.getSnapshot();
      if (snapshot.output !== undefined) return { outcome: snapshot.output };
      if (snapshot.context.progress === told) return undefined;
      told = snapshot.context.progress;
      return { progress: told };
    };
    const first = news();
    if (first !== undefined) yield first;
    if (first !== undefined && 'outcome' in first) return;
    for await (const _ of changes) {
      const message = news();
      if (message !== undefined) yield message;
      if (message !== undefined && 'outcome' in message) return;
    }
  }

  /** Has a job and its program end for good; who watches it learns when they have. A job that is published already stays so. */
  async cancel(run: string, step: string): Promise<void> {
    const folder = this.#folder({ run, step });
    const request = await readRequest(folder);
    if (request === undefined) return;
    await fileCancel(folder);
    const actor = this.#drive(request);
    if (actor.getSnapshot().status === 'active') actor.send({ type: 'cancel.requested' });
  }

  /** Ends the jobs that a killed trainer was asked to end. */
  async endCancelled(): Promise<void> {
    for (const request of await cancelledJobs(join(this.#deps.environment.state, 'jobs')))
      this.#drive(request);
  }

  /** GPU-seconds that a run's ended jobs have used. */
  async spent(run: string): Promise<number> {
    return spentOn(join(this.#deps.environment.state, 'jobs'), run);
  }

  /**
   * Stops watching, and has the programs of this machine save their state and end; those of a scheduler go on. The folders tell the next process
   * where they stand. A program that takes longer to save is left to its keeper.
   */
  async drain(): Promise<void> {
    const requests = [...this.#actors.values()].map((actor) => actor.getSnapshot().context.request);
    for (const actor of this.#actors.values()) actor.stop();
    const ended = Promise.all(
      requests.map((request) => this.#end(request, ({ endsWithTrainer }) => endsWithTrainer)),
    );
    await Promise.race([ended, delay(DRAIN_MS, undefined, { ref: false })]);
  }

  #folder(job: Pick<TrainRequest, 'run' | 'step'>) {
    return jobFolder(join(this.#deps.environment.state, 'jobs'), job);
  }

  /** Ends the attempt in hand, where there is one on a launcher that `which` names. */
  async #end(request: TrainRequest, which: (launcher: Launcher) => boolean): Promise<void> {
    const folder = this.#folder(request);
    const open = openAttempt(await readAttempts(folder));
    const launcher = launcherOf(profileOf(this.#deps.environment, request));
    if (open !== undefined && which(launcher)) await launcher.cancel(launchOf(folder, open));
  }

  #drive(request: TrainRequest): JobActor {
    const key = keyOf(request);
    const running = this.#actors.get(key);
    const snapshot = running?.getSnapshot();
    const goesOn =
      snapshot !== undefined &&
      (snapshot.status === 'active' || snapshot.context.request.attempt >= request.attempt);
    if (running !== undefined && goesOn) return running;
    const actor = createActor(createJob(this.#deps), {
      input: {
        request,
        microBatch: this.#deps.environment.profiles.trainers[request.backend]?.microBatch ?? null,
      },
    });
    this.#actors.set(key, actor);
    let trouble: string | undefined;
    actor.subscribe(({ context }) => {
      if (context.trouble !== undefined && context.trouble !== trouble)
        this.#deps.log.warn(
          { run: request.run, step: request.step, reason: context.trouble },
          'cannot go on yet',
        );
      trouble = context.trouble;
      this.#changes.emit(key);
    });
    actor.start();
    return actor;
  }
}

function keyOf({ run, step }: Pick<TrainRequest, 'run' | 'step'>): string {
  return `${run}/${step}`;
}
