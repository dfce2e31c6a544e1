import type { Logger } from 'pino';
import { BadCheckpointError } from '../model/checkpoint-files.ts';
import { createGenerator, type Generator, type TokenCounts } from '../model/generate.ts';
import { ApiError, modelNotLoaded } from './api-error.ts';
import { createBatcher, type Batcher } from './batcher.ts';

/** A round samples one checkpoint while the evaluation of another may still run. */
const MAX_MODELS = 2;

export interface LoadedModel {
  id: string;
  path: string;
  /** Seconds since 1970. */
  created: number;
  generator: Generator;
  batcher: Batcher;
}

export interface Registry {
  /** Loads the checkpoint at `path` as `id`; `created` is false when it is there already. Throws ApiError 409 or 422. */
  load(id: string, path: string): Promise<{ model: LoadedModel; created: boolean }>;
  /** The loaded model `id`, which becomes the most recently used. Throws ApiError 404. */
  use(id: string): LoadedModel;
  /** The loaded models, least recently used first. */
  list(): LoadedModel[];
  /** Forgets `id` at once and frees it when its queue is empty. Throws ApiError 404. */
  unload(id: string): void;
  /** Tokens since the start, of the models that are gone too. */
  counts(): TokenCounts;
  /** Unloads everything; resolves when all is freed. */
  close(): Promise<void>;
}

interface Entry {
  path: string;
  loading: Promise<LoadedModel>;
  model?: LoadedModel;
}

export function createRegistry({ workers, log }: { workers: number; log: Logger }): Registry {
  // In the order of their last use.
  const entries = new Map<string, Entry>();
  const freeing = new Set<Promise<void>>();
  const counts: TokenCounts[] = [];

  const open = async (id: string, path: string): Promise<LoadedModel> => {
    const generator = await createGenerator(path, { workers }).catch(refuse);
    counts.push(generator.counts);
    const created = Math.floor(Date.now() / 1000);
    return { id, path, created, generator, batcher: createBatcher(generator) };
  };

  const touch = (id: string, entry: Entry) => {
    entries.delete(id);
    entries.set(id, entry);
  };

  const unload = (id: string) => {
    const model = entries.get(id)?.model;
    if (model === undefined) throw modelNotLoaded(id);
    entries.delete(id);
    const job = free(model).catch((error: unknown) => {
      log.error({ err: error, id }, 'model not freed');
    });
    freeing.add(job);
    void job.then(() => freeing.delete(job));
  };
  const loaded = () => [...entries.values()].flatMap(({ model }) => model ?? []);

  return {
    load: async (id, path) => {
      const known = entries.get(id);
      if (known !== undefined) {
        if (known.path !== path)
          throw new ApiError(409, `model ${id} is loaded from ${known.path}: use another id`);
        touch(id, known);
        return { model: await known.loading, created: false };
      }
      const entry: Entry = { path, loading: open(id, path) };
      entries.set(id, entry);
      try {
        entry.model = await entry.loading;
      } catch (error) {
        entries.delete(id);
        throw error;
      }
      touch(id, entry);
      for (const { id: old } of loaded().slice(0, -MAX_MODELS)) unload(old);
      log.info({ id, path }, 'model loaded');
      return { model: entry.model, created: true };
    },
    use: (id) => {
      const entry = entries.get(id);
      if (entry?.model === undefined) throw modelNotLoaded(id);
      touch(id, entry);
      return entry.model;
    },
    list: loaded,
    unload,
    counts: () => ({
      prefilledTokens: counts.reduce((sum, { prefilledTokens }) => sum + prefilledTokens, 0),
      generatedTokens: counts.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0),
    }),
    close: async () => {
      for (const { id } of loaded()) unload(id);
      await Promise.all(freeing);
    },
  };
}

async function free({ generator, batcher }: LoadedModel): Promise<void> {
  await batcher.drained();
  await generator.close();
}

/** A checkpoint that cannot be served is the client's mistake, anything else is ours. */
function refuse(error: unknown): never {
  if (!(error instanceof BadCheckpointError)) throw error;
  throw new ApiError(422, error.message, { param: 'path', code: 'bad_checkpoint' });
}
