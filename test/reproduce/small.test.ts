/** `npm run reproduce` on the drills' world and model, as a user has it: the whole chain, killed on the way. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { runNames } from '../../deploy/demo/reproduce/plan.ts';
import { rows } from '../../deploy/demo/reproduce/rows.ts';
import { bootstrap, resetLoop } from '../support/drill/command.ts';
import { processesOf } from '../support/drill/processes-of.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const Line = z.looseObject({ event: z.string(), run: z.string().optional() });
let folder: TemporaryFolder;
let state: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  state = join(folder.path, 'state');
});

afterAll(async () => {
  for (const { pid } of processesOf(state)) process.kill(pid, 'SIGKILL');
  await folder[Symbol.asyncDispose]();
});

function reproduce(...flags: string[]) {
  return resetLoop(['reproduce', '--size', 'small', '--state', state, ...flags]);
}

/** Begins it and kills everything, the supervisor first, at the first line that is wanted. */
async function beginAndKill(wanted: (line: z.infer<typeof Line>) => boolean): Promise<void> {
  const args = [bootstrap, 'reproduce', '--size', 'small', '--state', state, '--json'];
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  if (child.stdout === null) throw new Error('the child has no stdout');
  for await (const line of createInterface({ input: child.stdout }))
    if (wanted(Line.parse(JSON.parse(line)))) break;
  child.kill('SIGKILL');
  await ended;
  for (const { pid } of processesOf(state)) process.kill(pid, 'SIGKILL');
}

test('killed in the middle of a run it goes on, and its last line is the whole table', async () => {
  await beginAndKill(({ event, run }) => event === 'round.opened' && run === 's101-mtl');
  const { code, stdout, stderr } = await reproduce('--json');
  expect(code, stderr).toBe(0);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)));
  const begun = lines.filter(({ event }) => event === 'begun').map(({ run }) => run);
  expect(begun).toEqual(runNames.map((name) => `s101-${name}`));
  const table = lines.at(-1);
  expect(table).toMatchObject({ event: 'reproduced', seeds: [101], size: 'small', otherData: [] });
  const Row = z.looseObject({ row: z.string(), scores: z.record(z.string(), z.unknown()) });
  const made = z.array(Row).parse(table?.['rows']);
  expect(made.map(({ row }) => row)).toEqual(rows.map(({ row }) => row));
  for (const { row, scores } of made) expect(scores['faithfulness seen'], row).not.toBeNull();
});

test('begun again after the end it makes the same table, for people and into a file', async () => {
  const out = join(folder.path, 'table.md');
  const { code, stdout, stderr } = await reproduce('--out', out);
  expect(code, stderr).toBe(0);
  const table = readFileSync(out, 'utf8');
  expect(stdout).toContain(table);
  for (const { title } of rows) expect(table).toContain(`| ${title} |`);
});

test('another reproduction in the same folder is refused, and says what to do', async () => {
  const { code, stderr } = await reproduce('--seeds', '102');
  expect(code).toBe(1);
  expect(stderr).toContain('choose another folder with --state, or begin anew with --fresh');
});
