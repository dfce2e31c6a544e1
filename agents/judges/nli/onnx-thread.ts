/** The thread of an ONNX model: it opens the model of its `workerData`, says so, and answers one call after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../shared/contract/failure.ts';
import type { NliPair, NliVerdict } from './nli.ts';
import type { OnnxSettings } from './onnx-folder.ts';
import { openModel } from './onnx-model.ts';
import { loadPackages } from './onnx-packages.ts';

export interface ThreadData {
  readonly folder: string;
  readonly settings: OnnxSettings;
  readonly packagesFrom: string;
}

/** Pairs to classify, or a call that nobody waits for any more. */
export type ThreadCall =
  { readonly call: number; readonly pairs: readonly NliPair[] } | { readonly givenUp: number };

/** The first one is about the opening, call 0. */
export type ThreadReply =
  | { readonly call: number; readonly verdicts: readonly NliVerdict[] }
  | { readonly call: number; readonly failure: string };

const { folder, settings, packagesFrom } = workerData as ThreadData;
const givenUp = new Set<number>();

try {
  const model = await openModel(folder, settings, loadPackages(packagesFrom));
  let last: Promise<void> = Promise.resolve();
  parentPort?.on('message', (message: ThreadCall) => {
    if ('givenUp' in message) givenUp.add(message.givenUp);
    else last = last.then(async () => answer(model, message.call, message.pairs));
  });
  reply({ call: 0, verdicts: [] });
} catch (error) {
  reply({ call: 0, failure: messageOf(error) });
}

async function answer(
  model: Awaited<ReturnType<typeof openModel>>,
  call: number,
  pairs: readonly NliPair[],
): Promise<void> {
  try {
    const verdicts = await model(pairs, () => givenUp.has(call));
    if (verdicts !== undefined) reply({ call, verdicts });
  } catch (error) {
    reply({ call, failure: messageOf(error) });
  }
  givenUp.delete(call);
}

function reply(message: ThreadReply): void {
  parentPort?.postMessage(message);
}
