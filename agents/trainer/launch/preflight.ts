import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../shared/contract/failure.ts';
import type { TrainerProfile } from '../../../shared/contract/trainer-profile.ts';
import { refuseRemoved } from '../../../shared/process/removed.ts';
import type { TrainRequest } from '../../../shared/contract/steps.ts';
import { refuseOtherChat } from '../checkpoint/chat.ts';
import { refuseUnsafeFolder } from '../checkpoint/refused.ts';
import type { Launcher } from './launcher.ts';
import { pythonProblems } from './python.ts';

/** Room for what the program leaves and for what is published of it, times the size of the model that it starts from. */
const ROOM = 2.2;
const GIB = 1024 ** 3;

export interface Preflight {
  profile: TrainerProfile;
  launcher: Launcher;
  /** Folder of the model to start from; null from scratch. */
  model: string | null;
  /** The chat template that the model must have. */
  chat: TrainRequest['chat'];
  /** Folders that are written to. */
  folders: readonly string[];
}

/** What hinders a job, each with what to do about it; empty where it may start. */
export async function problemsBefore({
  profile,
  launcher,
  model,
  chat,
  folders,
}: Preflight): Promise<string[]> {
  return [
    ...(await launcher.check()),
    ...(profile.python === undefined ? [] : await pythonProblems(profile.python)),
    ...(model === null ? [] : await modelProblems(model, chat)),
    ...(model === null ? [] : (await Promise.all(folders.map(roomFor(model)))).flat()),
  ];
}

async function modelProblems(model: string, chat: Preflight['chat']): Promise<string[]> {
  try {
    await refuseRemoved(model);
    await refuseUnsafeFolder(model);
    refuseOtherChat(model, chat);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

function roomFor(model: string) {
  return async (folder: string): Promise<string[]> => {
    const needed = ROOM * (await weightsIn(model));
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (free >= needed) return [];
    return [
      `${folder} has ${(free / GIB).toFixed(1)} GiB free, and a checkpoint needs ${(needed / GIB).toFixed(1)}: free space`,
    ];
  };
}

async function weightsIn(folder: string): Promise<number> {
  const names = (await readdir(folder).catch((): string[] => [])).filter((name) =>
    name.endsWith('.safetensors'),
  );
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
