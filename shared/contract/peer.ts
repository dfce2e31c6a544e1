import { z } from 'zod';
import { Digest, Id } from './ids.ts';

export const Role = z.enum(['coordinator', 'sampler', 'judge', 'curator', 'trainer']);
export type Role = z.infer<typeof Role>;

/** Presence of a peer in `reset-peers`; renewed, and gone with the bucket's TTL. */
export const Presence = z.strictObject({
  peer: Id,
  role: Role,
  /** host:port of its gRPC services, null where it has none. */
  grpc: z.string().nullable(),
  /** URL of /metrics, /healthz and /readyz. */
  http: z.string(),
  /** What it can do: server profiles of a sampler, judge types, back-ends of a trainer, the ledger id of a curator. */
  offers: z.array(z.string()),
});
export type Presence = z.infer<typeof Presence>;

/** Which ledger a run belongs to, in `reset-runs`, written by `create`: another ledger is refused by name. */
export const RunBinding = z.strictObject({
  run: Id,
  ledger: Digest,
  curator: Id,
  grpc: z.string(),
});
export type RunBinding = z.infer<typeof RunBinding>;

/** Local configuration of a peer: URLs, keys (by the name of an environment variable) and commands never come from the bus. */
export const Profiles = z.strictObject({
  servers: z
    .record(
      Id,
      z.strictObject({
        driver: z.enum(['tinylm', 'openai']),
        url: z.url(),
        keyVariable: z.string().optional(),
      }),
    )
    .default({}),
  trainers: z.record(Id, z.strictObject({ command: z.array(z.string()).min(1) })).default({}),
});
export type Profiles = z.infer<typeof Profiles>;
