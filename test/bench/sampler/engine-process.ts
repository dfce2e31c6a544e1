import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Counts, Speed } from './engine.ts';

/** `name` is what it serves. */
export interface EngineOptions extends Speed {
  readonly name: string;
}

/** What the server has counted until `at` in ms of its clock, and how long each sample took it that was answered since the last one. */
export interface Tick extends Counts {
  readonly at: number;
  readonly took: readonly number[];
}

export interface EngineProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly ticks: readonly Tick[];
}

/** Servers that are alike. */
export async function startEngines(
  count: number,
  options: EngineOptions,
): Promise<{ engines: readonly EngineProcess[] } & AsyncDisposable> {
  const engines: EngineProcess[] = [];
  for (let at = 0; at < count; at += 1) engines.push(await startEngine(options));
  return {
    engines,
    [Symbol.asyncDispose]: async () => {
      for (const engine of engines) await engine[Symbol.asyncDispose]();
    },
  };
}

async function startEngine(options: EngineOptions): Promise<EngineProcess> {
  const program = fileURLToPath(new URL('engine-server.js', import.meta.url));
  const child = fork(program, [JSON.stringify(options)]);
  const [url] = (await once(child, 'message')) as [string];
  const ticks: Tick[] = [];
  child.on('message', (tick) => ticks.push(tick as Tick));
  return {
    url,
    pid: child.pid ?? 0,
    ticks,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
