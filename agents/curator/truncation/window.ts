import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';

const positions = {
  max_position_embeddings: z.int().positive().optional(),
  /** GPT-2's word. */
  n_positions: z.int().positive().optional(),
};
const Config = z.object({ ...positions, text_config: z.object(positions).optional() });

/** The folder whose tokenizer and positions the models of a run have; undefined where the run makes its own tokenizer. */
export function modelFolder({ model, start }: RunFile): string | undefined {
  const given = start.findLast(({ checkpoint }) => checkpoint !== undefined)?.checkpoint;
  return given ?? model.tokenizer ?? (model.base === 'scratch' ? undefined : model.base);
}

/**
 * Most tokens of a prompt with its answer: what the servers take, by the run file or the model's `config.json`, and what training takes, so that
 * a model is trained on the prompt that it saw. Undefined where nobody says. PermanentError where the answers alone would fill it.
 */
export async function windowOf(file: RunFile, folder: string): Promise<number | undefined> {
  const { model, sampling } = file;
  const served = model.window ?? (await positionsOf(join(folder, 'config.json')));
  const limits = [served, ...lengthsOfTraining(file)].filter((limit) => limit !== undefined);
  if (limits.length === 0) return undefined;
  const window = Math.min(...limits);
  if (window > sampling.maxTokens + 1) return window;
  throw new PermanentError(
    `sampling.maxTokens ${sampling.maxTokens} leaves no room for a prompt: the model has ${window} tokens for both; give fewer, or raise model.window and training.options.maxLength if those set it`,
  );
}

function lengthsOfTraining({ start, training, rounds }: RunFile): (number | undefined)[] {
  const stages = start.filter(
    ({ rows, checkpoint }) => rows === undefined && checkpoint === undefined,
  );
  const options = [
    ...stages.map((stage) => stage.training.options ?? training.options),
    ...(rounds.max > 0 ? [training.options] : []),
  ];
  return options.map((one) => one?.maxLength);
}

/** Undefined where the file is not there, or knows no such limit. */
async function positionsOf(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { text_config: inner, ...config } = Config.parse(JSON.parse(text));
    const own = config.max_position_embeddings ?? config.n_positions;
    return own ?? inner?.max_position_embeddings ?? inner?.n_positions;
  } catch (error) {
    throw new PermanentError(`${path} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}
