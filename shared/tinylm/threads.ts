import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';

/** A worker thread that answers one question at a time. */
export interface Thread<TQuestion, TAnswer> {
  /** Rejects when the thread fails, this time and from then on. */
  ask(question: TQuestion): Promise<TAnswer>;
  close(): Promise<void>;
}

/** Starts the module at `url`, which calls `answer`, with `data` as its worker data. */
export function createThread<TQuestion, TAnswer>(
  url: URL,
  data: unknown,
): Thread<TQuestion, TAnswer> {
  const worker = new Worker(url, { workerData: data });
  let broken: Error | undefined;
  worker.once('error', (error: Error) => {
    broken = error;
  });
  return {
    ask: async (question) => {
      if (broken !== undefined) throw broken;
      const answered = once(worker, 'message'); // rejects on 'error'
      worker.postMessage(question);
      const [message] = (await answered) as [TAnswer];
      return message;
    },
    close: async () => {
      await worker.terminate();
    },
  };
}

/** The thread's side: answers each question by `handle`. An exception ends the thread and rejects the question. */
export function answer(handle: (question: never) => unknown): void {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a worker thread only');
  port.on('message', (question: unknown) => {
    port.postMessage(handle(question as never));
  });
}
