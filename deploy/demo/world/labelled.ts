/**
 * Labels the answers of a world's annotators by its oracle: `node dist/deploy/demo/world/labelled.js <folder> <span|abs|sum>`. One line
 * {id, context, question, answer, label} for each train row, for `reset-loop judge check`: where annotators followed their habits,
 * the passage does not say all of it. Exit 0: all was printed; 1: why not is said on stderr.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';
import { Row } from '../../../shared/contract/example.ts';
import { readJsonLines } from '../../../shared/process/json-lines.ts';
import { readOracle } from './truth.ts';

const kinds = { span: 'extractive_qa', abs: 'abstractive_qa', sum: 'summarization' } as const;

async function print(folder: string, set: keyof typeof kinds): Promise<void> {
  const faithfulness = await readOracle(folder);
  for await (const read of readJsonLines(join(folder, `${set}.train.jsonl`), Row)) {
    if (!read.ok) throw new PermanentError(read.problem);
    const { id, context, question = null, references } = read.value;
    const [answer = ''] = references;
    const row = { kind: kinds[set], context: context ?? '', question };
    const label = faithfulness(row, answer);
    const line = JSON.stringify({ id, context, question, answer, label });
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
  }
}

try {
  const [folder, set, ...rest] = process.argv.slice(2);
  if (folder === undefined || set === undefined || !isSet(set) || rest.length > 0)
    throw new PermanentError('name the folder of a world, and span, abs or sum');
  await print(folder, set);
} catch (error) {
  process.stderr.write(`labelled: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

function isSet(set: string): set is keyof typeof kinds {
  return Object.hasOwn(kinds, set);
}
