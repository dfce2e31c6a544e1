import { z } from 'zod';

/** `cluster.json` in the state folder: what a supervisor started there, for the CLI and a second start. */
export const Cluster = z.strictObject({
  version: z.literal(1),
  /** The supervisor. It runs while a process with this pid and start time does. */
  pid: z.int().positive(),
  startTime: z.string(),
  nats: z.url(),
  modelServer: z.url(),
});
export type Cluster = z.infer<typeof Cluster>;
