/** `npm run reproduce -- --engine deepspeed` in small: an exported Llama, DeepSpeed and vLLM through a round and its control. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { check } from '../drills/check/all.ts';
import { resetLoop } from '../support/drill/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('the chain comes to its table on the standard stack', async () => {
  await using folder = await temporaryFolder();
  const state = join(folder.path, 'state');
  const flags = ['--engine', 'deepspeed', '--size', 'small', '--state', state, '--json'];
  const { code, stdout, stderr } = await resetLoop(['reproduce', ...flags]);
  expect(code, stderr).toBe(0);
  const Row = z.looseObject({ row: z.string(), scores: z.record(z.string(), z.unknown()) });
  const table = z
    .looseObject({ event: z.literal('reproduced'), rows: z.array(Row) })
    .parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  expect(table.rows.map(({ row }) => row)).toContain('mtl-reset-1');
  for (const { row, scores } of table.rows) expect(scores['faithfulness seen'], row).not.toBeNull();
  expect(await check(state)).toEqual([]);
});
