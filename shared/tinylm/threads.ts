import { parentPort, Worker } from 'node:worker_threads';

/** Worker threads, or one, that answer questions; what was asked is rejected when a thread fails or is closed. */
export interface Threads<TQuestion, TAnswer> {
  ask(question: TQuestion): Promise<TAnswer>;
  close(): Promise<void>;
}

interface Pending<TAnswer> {
  resolve(answer: TAnswer): void;
  reject(error: Error): void;
}

/**
 * Starts the module at `url`, which calls `answer`, with `data` as its worker data. It answers one question at a time:
 * ask the next when the last is answered.
 */
export function createThread<TQuestion, TAnswer>(
  url: URL,
  data: unknown,
): Threads<TQuestion, TAnswer> {
  const worker = new Worker(url, { workerData: data });
  let pending: Pending<TAnswer> | undefined;
  let broken: Error | undefined;
  const fail = (error: Error) => {
    broken ??= error;
    pending?.reject(broken);
    pending = undefined;
  };
  worker.on('message', (message: TAnswer) => {
    pending?.resolve(message);
    pending = undefined;
  });
  worker.on('error', fail);
  worker.on('exit', () => {
    fail(new Error('the worker thread has ended'));
  });
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (broken !== undefined) {
          reject(broken);
          return;
        }
        pending = { resolve, reject };
        worker.postMessage(question);
      }),
    close: async () => {
      await worker.terminate();
    },
  };
}

/** One queue for several threads: a question goes to the first that is free. */
export function createPool<TQuestion, TAnswer>(
  threads: readonly Threads<TQuestion, TAnswer>[],
): Threads<TQuestion, TAnswer> {
  type Thread = Threads<TQuestion, TAnswer>;
  const idle = [...threads];
  const waiting: ((thread: Thread) => void)[] = [];
  const take = (): Promise<Thread> => {
    const free = idle.pop();
    if (free !== undefined) return Promise.resolve(free);
    return new Promise((resolve) => waiting.push(resolve));
  };
  const giveBack = (thread: Thread) => {
    const next = waiting.shift();
    if (next === undefined) idle.push(thread);
    else next(thread);
  };
  return {
    ask: async (question) => {
      const thread = await take();
      try {
        return await thread.ask(question);
      } finally {
        giveBack(thread);
      }
    },
    close: async () => {
      await Promise.all(threads.map((thread) => thread.close()));
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
