/**
 * Measures the rows of a run file: `node dist/agents/curator/measure-rows.js <run file as JSON, its paths absolute>`. One `RowsMeasure` a line on
 * stdout for each part that has rows, and for what each judge is asked beyond them; the rows are read and checked as for a run. Exit 1 with
 * the reason on stderr. It changes nothing.
 */
import { carryOut } from '../../shared/process/command-line.ts';
import { loadDatasets } from './dataset/load.ts';
import { parseRunFile } from './open.ts';
import { measureRows } from './plan/measure.ts';
import { truncate } from './truncation/truncate.ts';

const usage = 'usage: measure-rows <run file as JSON>\n';

await carryOut({ usage, options: {} }, async (_, [runFile = '']) => {
  const file = parseRunFile(runFile);
  const { datasets } = await truncate(file, await loadDatasets(file, '/'));
  for (const measure of measureRows(file, datasets))
    process.stdout.write(`${JSON.stringify(measure)}\n`);
  return 0;
});
