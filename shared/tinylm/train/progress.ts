import { appendFileSync, closeSync, openSync, readSync, statSync } from 'node:fs';

export type ProgressEvent =
  | { event: 'started'; step: 0; steps: number; parameters: number }
  | { event: 'resumed'; step: number }
  | {
      event: 'step';
      step: number;
      steps: number;
      /** Mean by learned token over the step. */
      loss: number;
      learningRate: number;
      /** Read so far, prompts included. */
      tokens: number;
      /** Since this process began. */
      tokensPerSecond: number;
    }
  /** Mean loss by learned token on dev, where the job picks by it. */
  | { event: 'evaluated'; step: number; loss: number }
  | { event: 'saved'; step: number }
  | { event: 'finished' };

/** Appends events to `progress.jsonl`, beginning with a fresh line if a kill has left a torn one. */
export function createProgress(path: string): (event: ProgressEvent) => void {
  if (endsTorn(path)) appendFileSync(path, '\n');
  return (event) => {
    appendFileSync(path, `${JSON.stringify(event)}\n`);
  };
}

function endsTorn(path: string): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  const file = openSync(path, 'r');
  try {
    readSync(file, last, 0, 1, size - 1);
  } finally {
    closeSync(file);
  }
  return last.toString() !== '\n';
}
