import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { performEffect } from '../failpoint.ts';
import { syncFolder, writeDurably } from '../model/checkpoint-files.ts';
import { writeCheckpoint, type Checkpoint } from '../model/checkpoint.ts';
import { createGenerator } from '../model/generate.ts';

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
