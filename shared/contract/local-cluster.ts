import { z } from 'zod';

/** `cluster.json` in a state folder: what the supervisor there has started, for the CLI and for a second start. */
export const LocalCluster = z.strictObject({
  version: z.literal(1),
  /** The supervisor. The cluster runs while a process with this pid and start time does. */
  pid: z.int().positive(),
  startTime: z.string(),
  natsUrl: z.string().min(1),
  modelServerUrl: z.url(),
});
export type LocalCluster = z.infer<typeof LocalCluster>;
