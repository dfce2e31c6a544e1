import type { Profiles } from '../../shared/contract/peer.ts';
import { TrainRequest } from '../../shared/contract/steps.ts';
import type { TrainerServiceHandlers } from '../../shared/rpc/generated/reset/v1/TrainerService.ts';
import { handleStream, handleUnary } from '../../shared/rpc/server.ts';
import { describeTrainer } from './describe.ts';
import type { Jobs } from './jobs.ts';

/** TrainerService over the job folders of this machine. */
export function trainerService(jobs: Jobs, { trainers }: Profiles): TrainerServiceHandlers {
  return {
    StartTrain: handleUnary(async ({ request }) => {
      await jobs.start(TrainRequest.parse(JSON.parse(request)));
      return {};
    }),
    WatchTrain: handleStream(async function* ({ run, step }, signal) {
      for await (const message of jobs.watch(run, step, signal)) {
        yield 'outcome' in message
          ? { outcome: JSON.stringify(message.outcome) }
          : { progress: JSON.stringify(message.progress) };
      }
    }),
    CancelTrain: handleUnary(async ({ run, step }) => {
      await jobs.cancel(run, step);
      return {};
    }),
    Release: handleUnary(async ({ run, round, checkpoints }) => {
      await jobs.release(run, round, checkpoints);
      return {};
    }),
    Spent: handleUnary(async ({ run }) => ({ gpuSeconds: await jobs.spent(run) })),
    Describe: handleUnary(async () => ({
      backends: Object.keys(trainers),
      machine: JSON.stringify(await describeTrainer(trainers)),
    })),
  };
}
