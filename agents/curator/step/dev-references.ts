import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { Store } from '../../../shared/store/store.ts';
import { devReferences } from '../dataset/references.ts';
import { sealDataset } from '../dataset/seal.ts';
import type { Run } from '../run.ts';
import { readSeenParts } from './evidence.ts';
import { stageOf } from './stage.ts';

/** Enough to see a distribution move; a few seconds of training at most. */
const COMPARED_ROWS = 64;

/**
 * Seals references of the dev parts of the datasets that a step trains on: all of them where its training picks its weights by them, 64 of
 * each dataset where a round is only compared with the start on them. Seals nothing where nobody reads them, or there are none to compare on.
 */
export async function sealDevReferences(
  { name, file }: Run,
  step: string,
  { store, datasets: folder }: { readonly store: Store; readonly datasets: string },
): Promise<{ dev?: string }> {
  const stage = step.startsWith('start-') ? stageOf(file, step) : undefined;
  const picks = (stage?.training.pick ?? file.training.pick) === 'dev-perplexity';
  if (!picks && !isCompared(file, step)) return {};
  const parts = await readSeenParts(store, name, file, 'dev');
  const own = parts.filter((part) => stage?.datasets?.includes(part.name) ?? true);
  const rows = [...devReferences(file, own, picks ? Infinity : COMPARED_ROWS)];
  if (!picks && rows.length === 0) return {};
  const { digest } = await sealDataset(folder, rows);
  return { dev: digest };
}

function isCompared({ rounds }: RunFile, step: string): boolean {
  return !step.startsWith('start-') && rounds.guardrails.kl !== null;
}
