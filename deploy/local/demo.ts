import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { writeFileDurably } from '../../shared/process/files.ts';
import type { StartArguments } from './arguments.ts';
import { runCommand } from './command.ts';
import { packageRoot, programPath } from './paths.ts';

/** The preset's run file as the state folder keeps it, beside the world that its relative paths name. */
export function runFileOf({ preset, state }: StartArguments): string {
  return join(state, preset.file);
}

/** Copies the run file into the state folder, with another seed where one is asked for, and makes its world there. */
export async function prepareDemo(args: StartArguments, signal: AbortSignal): Promise<void> {
  const source = join(packageRoot, 'deploy/demo', args.preset.file);
  const document = parseDocument(await readFile(source, 'utf8'));
  if (args.seed !== undefined) document.set('seed', args.seed);
  await writeFileDurably('supervisor.run-file', runFileOf(args), document.toString());
  await runCommand(
    process.execPath,
    [
      programPath('deploy/demo/world/main.js'),
      join(args.state, 'world'),
      '--seed',
      String(document.get('seed')),
      '--size',
      args.preset.size,
    ],
    { timeoutMs: 120_000, signal },
  );
}
