import { z } from 'zod';
import { Digest, Id } from './ids.ts';

/** Names of the files that say what a checkpoint is and how it answers. */
export const MANIFEST_FILE = 'manifest.json';
export const PROBE_FILE = 'probe.json';

/** Folder in a checkpoint's own with the LoRA adapter that its weights were merged from, for the model that the first of its trainings began with. */
export const ADAPTER_FOLDER = 'adapter';

/** Name of the file that a removed checkpoint has beside its manifest and its probe. */
export const REMOVED_FILE = 'removed.json';

/** Which run no longer needed a checkpoint, and after which round. */
export const Removed = z.strictObject({ run: Id, round: z.int().positive() });
export type Removed = z.infer<typeof Removed>;

/** Name of a checkpoint: sha256 of this manifest's canonical JSON. Paths are relative and sorted; no clock, host or path of a machine. */
export const CheckpointManifest = z.strictObject({
  files: z
    .array(
      z.strictObject({
        path: z.string().regex(/^(adapter\/)?(?!\.{1,2}$)[A-Za-z0-9._-]+$/),
        size: z.int().nonnegative(),
        sha256: Digest,
      }),
    )
    .min(1),
  /** The checkpoint that training started from; null from scratch. */
  parent: Digest.nullable(),
  dataset: Digest.nullable(),
  /** Digest of the settings of the training step, without paths. */
  training: Digest.nullable(),
});
export type CheckpointManifest = z.infer<typeof CheckpointManifest>;

/** The training program's own greedy answers of the saved weights: what a model server must repeat before it may sample. */
export const Probe = z.array(
  z.strictObject({
    prompt: z.string(),
    tokens: z.array(z.int()),
    text: z.string(),
    logprobs: z.array(z.number()),
  }),
);
export type Probe = z.infer<typeof Probe>;
