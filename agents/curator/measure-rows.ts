/**
 * Measures the rows of a run file: `node dist/agents/curator/measure-rows.js <run file as JSON, its paths absolute>`. One `RowsMeasure` a line on
 * stdout for each part that has rows, read and checked as for a run; exit 1 with the reason on stderr. It changes nothing.
 */
import type { Example } from '../../shared/contract/example.ts';
import { messageOf } from '../../shared/contract/failure.ts';
import { Split } from '../../shared/contract/ids.ts';
import type { RowsMeasure } from '../../shared/contract/measures.ts';
import { loadDatasets } from './dataset/load.ts';
import { parseRunFile } from './open.ts';
import { mostCells } from './plan/grid.ts';

process.exitCode = await main(process.argv.slice(2));

async function main([runFile = '']: string[]): Promise<number> {
  try {
    const file = parseRunFile(runFile);
    for (const { name, kind, perRound, splits } of await loadDatasets(file, '/'))
      for (const split of Split.options) {
        const rows = splits[split];
        if (rows.length === 0) continue;
        const isTrain = split === 'train';
        const measure: RowsMeasure = {
          dataset: name,
          kind,
          split,
          rows: rows.length,
          perStep: isTrain ? Math.min(rows.length, perRound ?? rows.length) : rows.length,
          candidates: isTrain ? mostCells(file.sampling) : 1,
          referenced: rows.filter(({ references }) => references.length > 0).length,
          bytes: {
            instruction: bytesOf(rows, ({ instruction }) => instruction),
            context: bytesOf(rows, ({ context }) => context),
            question: bytesOf(rows, ({ question }) => question),
            reference: bytesOf(rows, ({ references: [first] }) => first),
          },
        };
        process.stdout.write(`${JSON.stringify(measure)}\n`);
      }
    return 0;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

function bytesOf(
  rows: readonly Example[],
  textOf: (row: Example) => string | null | undefined,
): number {
  return rows.reduce((sum, row) => sum + Buffer.byteLength(textOf(row) ?? ''), 0);
}
