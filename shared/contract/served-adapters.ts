import type { Profiles } from './peer.ts';
import type { RunFile } from './run-file.ts';

/**
 * Why the model server of a run, where it is switched by `lora`, could not serve each round's checkpoint; undefined where it can. It goes on serving
 * one model, so all rounds must train adapters, and of the model that those of the start belong to.
 */
export function notServedAsAdapters(file: RunFile, { servers }: Profiles): string | undefined {
  const { start, training, rounds, sampling } = file;
  if (servers[sampling.server]?.switch?.by !== 'lora' || rounds.max === 0) return undefined;
  const advice = `add \`lora: {}\` there, or give the server "${sampling.server}" a switch by child, command or disk in its profile`;
  if (training.options?.lora === undefined)
    return `training.options: the rounds train all weights, and their server is switched by lora, so each needs an adapter: ${advice}`;
  const from = start.findIndex(({ name }) => name === rounds.trainFrom);
  if (from < 0) return undefined;
  const whole = start.findIndex(
    (stage, index) =>
      index > from &&
      stage.checkpoint === undefined &&
      (stage.training.options ?? training.options)?.lora === undefined,
  );
  return whole < 0
    ? undefined
    : `start.${whole}.training.options: this stage trains all weights, rounds train adapters of what was before it (rounds.trainFrom: ${rounds.trainFrom}), and their server is switched by lora, so it serves one model: ${advice}`;
}
