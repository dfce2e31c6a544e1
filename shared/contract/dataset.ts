import { z } from 'zod';
import { Digest, Id } from './ids.ts';

/**
 * A sealed dataset is a folder named by the sha256 of this manifest's canonical JSON: JSONL shards of TrainingRow, ordered by dataset and example,
 * never by arrival.
 */
export const DatasetManifest = z.strictObject({
  files: z
    .array(
      z.strictObject({
        path: z.string().regex(/^[a-z0-9-]+\.jsonl$/),
        size: z.int().nonnegative(),
        sha256: Digest,
      }),
    )
    .min(1),
  rows: z.int().nonnegative(),
  byDataset: z.record(Id, z.int().nonnegative()),
});
export type DatasetManifest = z.infer<typeof DatasetManifest>;
