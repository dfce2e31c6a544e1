import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { messageOf, PermanentError } from '../../shared/contract/failure.ts';
import type { Profiles } from '../../shared/contract/peer.ts';
import { problemsOf } from '../../shared/contract/problems.ts';
import { RunFile } from '../../shared/contract/run-file.ts';
import { notServedAsAdapters } from '../../shared/contract/served-adapters.ts';
import { fillChatTemplate } from './chat-template.ts';
import { CommandError, exits } from './exit.ts';

/**
 * Reads a run file (design §10): YAML or JSON, paths relative to the file. Every problem is named with its place; an unknown key comes
 * with the nearest known one. What `profiles` say of its model server must be able to serve what it trains.
 */
export function readRunFile(path: string, profiles: Profiles): RunFile {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CommandError(exits.usage, `cannot read the run file ${path}: ${messageOf(error)}`);
  }
  const folder = dirname(resolve(path));
  const parsed = RunFile.safeParse(withChatTemplate(content, folder, path));
  if (!parsed.success) throw unusable(path, problemsOf(parsed.error));
  const unserved = notServedAsAdapters(parsed.data, profiles);
  if (unserved !== undefined) throw unusable(path, unserved);
  return withAbsolutePaths(parsed.data, folder);
}

function withChatTemplate(content: unknown, folder: string, path: string): unknown {
  try {
    return fillChatTemplate(content, folder);
  } catch (error) {
    throw error instanceof PermanentError ? unusable(path, error.message) : error;
  }
}

function unusable(path: string, problem: string): CommandError {
  return new CommandError(exits.usage, `the run file ${path} is not usable: ${problem}`);
}

function withAbsolutePaths(file: RunFile, folder: string): RunFile {
  const absolute = (path: string) => resolve(folder, path);
  return RunFile.parse({
    ...file,
    model: {
      ...file.model,
      base: file.model.base === 'scratch' ? 'scratch' : absolute(file.model.base),
      tokenizer: file.model.tokenizer === undefined ? undefined : absolute(file.model.tokenizer),
    },
    start: file.start.map((stage) => ({
      ...stage,
      rows: stage.rows?.map(absolute),
      checkpoint: stage.checkpoint === undefined ? undefined : absolute(stage.checkpoint),
    })),
    datasets: file.datasets.map((dataset) => ({
      ...dataset,
      train: dataset.train?.map(absolute),
      dev: dataset.dev?.map(absolute),
      test: dataset.test?.map(absolute),
    })),
  });
}
