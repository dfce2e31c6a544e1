import type { Store } from '../../../shared/store/store.ts';
import { devReferences } from '../dataset/references.ts';
import { sealDataset } from '../dataset/seal.ts';
import type { Run } from '../run.ts';
import { readSeenParts } from './evidence.ts';
import { stageOf } from './stage.ts';

/** Seals the references of the dev parts of the datasets that a step trains on, where its training picks its weights by them. */
export async function sealDevReferences(
  { name, file }: Run,
  step: string,
  { store, datasets: folder }: { readonly store: Store; readonly datasets: string },
): Promise<{ dev?: string }> {
  const stage = step.startsWith('start-') ? stageOf(file, step) : undefined;
  if ((stage?.training.pick ?? file.training.pick) === 'last') return {};
  const parts = await readSeenParts(store, name, file, 'dev');
  const own = parts.filter((part) => stage?.datasets?.includes(part.name) ?? true);
  const { digest } = await sealDataset(folder, devReferences(file, own));
  return { dev: digest };
}
