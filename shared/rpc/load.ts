import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { loadSync, type Options } from '@grpc/proto-loader';
import type { ProtoGrpcType as CheckpointProto } from './generated/checkpoint.ts';
import type { ProtoGrpcType as CoordinatorProto } from './generated/coordinator.ts';
import type { ProtoGrpcType as CuratorProto } from './generated/curator.ts';
import type { ProtoGrpcType as TrainerProto } from './generated/trainer.ts';

/** These options and the flags of proto-loader-gen-types in deploy/local/build.mjs say the same thing: change both or neither. */
const loaderOptions: Options = { longs: Number, enums: String, defaults: true, oneofs: true };

// What it would print arrives here as an error too, and is logged where it is handled.
setLogVerbosity(logVerbosity.NONE);

/** Client constructors; `.service` of each is what a server adds. */
export const CheckpointService = (load('checkpoint') as CheckpointProto).reset.v1.CheckpointService;
export const CoordinatorService = (load('coordinator') as CoordinatorProto).reset.v1
  .CoordinatorService;
export const CuratorService = (load('curator') as CuratorProto).reset.v1.CuratorService;
export const TrainerService = (load('trainer') as TrainerProto).reset.v1.TrainerService;

/** The generated types describe what the loader makes of the same file; the loader itself knows no types, hence the casts above. */
function load(name: string): unknown {
  const file = fileURLToPath(import.meta.resolve(`#proto/reset/v1/${name}.proto`));
  return loadPackageDefinition(loadSync(file, loaderOptions));
}
