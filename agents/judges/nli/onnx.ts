import { Worker } from 'node:worker_threads';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import { untilAborted } from '../../../shared/process/signal.ts';
import type { NliModel, NliPair, NliVerdict } from './nli.ts';
import { digestFolder, readSettings } from './onnx-folder.ts';
import type { ThreadCall, ThreadData, ThreadReply } from './onnx-thread.ts';

const program = new URL('onnx-thread.js', import.meta.url);

interface Pending {
  readonly resolve: (verdicts: NliVerdict[]) => void;
  readonly reject: (error: Error) => void;
}

interface Opened {
  readonly identity: unknown;
  readonly classify: NliModel['classify'];
}

/**
 * A model in a folder with `model.onnx`, `config.json` and `tokenizer.json`, run on the CPU. It has a thread of its own, for onnxruntime keeps
 * the thread that asks it until a batch is done, seconds for a large model. `packagesFrom` is the module whose packages run it.
 */
export function createOnnxNli(folder: string, packagesFrom: string = import.meta.url): NliModel {
  let opened: Promise<Opened> | undefined;

  async function open(): Promise<Opened> {
    const settings = await readSettings(folder);
    const files = await digestFolder(folder);
    const thread = await startThread({ folder, settings, packagesFrom }, () => {
      opened = undefined;
    });
    // Every verdict carries it: one digest of all.
    const identity = { sha256: digestOf(files), maxTokens: settings.maxTokens };
    return { identity, classify: thread };
  }

  async function model(signal: AbortSignal): Promise<Opened> {
    const opening = (opened ??= open());
    opening.catch(() => {
      // The next one may find the folder mended.
      if (opened === opening) opened = undefined;
    });
    return untilAborted(opening, signal);
  }

  return {
    identity: async (signal) => (await model(signal)).identity,
    classify: async (pairs, signal) => (await model(signal)).classify(pairs, signal),
  };
}

/** A thread with the model open. It keeps the process from ending only while it has something to answer; `onEnd` is told when it is gone. */
async function startThread(data: ThreadData, onEnd: () => void): Promise<NliModel['classify']> {
  const worker = new Worker(program, { workerData: data });
  const pending = new Map<number, Pending>();
  let calls = 0;

  const settle = (call: number): Pending | undefined => {
    const waiting = pending.get(call);
    pending.delete(call);
    if (pending.size === 0) worker.unref();
    return waiting;
  };
  const failAll = (reason: string): void => {
    for (const call of pending.keys())
      settle(call)?.reject(new PermanentError(`the thread of ${data.folder} ended: ${reason}`));
  };
  const wait = async (call: number): Promise<NliVerdict[]> => {
    worker.ref();
    return new Promise((resolve, reject) => {
      pending.set(call, { resolve, reject });
    });
  };
  const send = (message: ThreadCall): void => {
    worker.postMessage(message);
  };

  worker.on('message', (reply: ThreadReply) => {
    const waiting = settle(reply.call);
    if ('failure' in reply) waiting?.reject(new PermanentError(reply.failure));
    else waiting?.resolve([...reply.verdicts]);
  });
  worker.on('error', (error) => {
    failAll(error.message);
  });
  worker.on('exit', (code) => {
    failAll(`exit code ${code}`);
    onEnd();
  });

  try {
    await wait(0);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return async (pairs: readonly NliPair[], signal) => {
    signal.throwIfAborted();
    calls += 1;
    const call = calls;
    const answer = wait(call);
    send({ call, pairs });
    try {
      return await untilAborted(answer, signal);
    } finally {
      if (signal.aborted && settle(call) !== undefined) send({ givenUp: call });
    }
  };
}
