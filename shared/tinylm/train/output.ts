import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { performEffect } from '../failpoint.ts';
import { syncFolder, writeDurably } from '../model/checkpoint-files.ts';
import { writeCheckpoint, type Checkpoint } from '../model/checkpoint.ts';
import { createGenerator } from '../model/generate.ts';
import { TrainingFailure } from './failure.ts';

const PROBE_TOKENS = 16;

/**
 * Publishes the trained model and its probe at `folder`: it appears whole or not at all. What an earlier attempt left
 * is replaced.
 */
export async function writeOutput(
  folder: string,
  checkpoint: Checkpoint,
  probe: readonly string[],
): Promise<void> {
  await refuseForeign(folder);
  const staging = `${folder}.staging`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  await writeCheckpoint(staging, checkpoint);
  const answers = await answerProbe(staging, probe);
  await writeDurably(
    'tinylm.model',
    join(staging, 'probe.json'),
    `${JSON.stringify(answers, null, 1)}\n`,
  );
  await rm(folder, { recursive: true, force: true });
  await performEffect('tinylm.output.rename', () => rename(staging, folder));
  await performEffect('tinylm.output.fsync-folder', () => syncFolder(dirname(folder)));
}

/** The folder is replaced whole, so it must be one of ours: absent, empty, or a model that was written here before. */
async function refuseForeign(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.length === 0 || names.includes('config.json')) return;
  throw new TrainingFailure(
    'bad-spec',
    `output: ${folder} holds other files (${names.slice(0, 3).join(', ')}); name a folder that is new`,
  );
}

/** What the saved model answers greedily, by which a server can show that it serves these weights. */
async function answerProbe(dir: string, prompts: readonly string[]) {
  const generator = await createGenerator(dir, { workers: 1 });
  try {
    const { tokenizer } = generator;
    const how = { temperature: 0, topK: 0, seed: 0, maxTokens: PROBE_TOKENS, logprobs: true };
    const samples = await generator.generate(
      prompts.map((prompt) => ({ prompt: tokenizer.encode(prompt), ...how })),
    );
    return samples.map(({ tokens, logprobs }, i) => ({
      prompt: prompts[i],
      tokens,
      text: tokenizer.decode(tokens),
      logprobs,
    }));
  } finally {
    await generator.close();
  }
}
