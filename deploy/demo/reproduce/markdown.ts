import type { Difference, Estimate } from '../../../shared/contract/facts.ts';
import type { Column } from './scores.ts';
import type { Table, TableRow } from './table.ts';
import type { Finding } from './targets.ts';

const shown: readonly Column[] = [
  'faithfulness seen',
  'faithfulness unseen',
  'abstractive',
  'extractive',
  'instruction',
  'task',
  'exact match',
];

/** The table for people: scores, then what was promised with what came. */
export function markdownOf(table: Table): string {
  return [
    caption(table),
    '',
    tableLines(
      ['', ...shown.map((name) => (hasOracle(table, name) ? `${name} (oracle)` : name))],
      table.rows.map((row) => [row.title, ...shown.map((name) => scoreCell(row, name))]),
    ),
    '',
    tableLines(
      ['difference', 'column', 'found [95 % bounds]', 'oracle', 'target', ''],
      table.findings.map(findingCells),
    ),
    '',
    ...table.forgetting.map(
      ({ pipeline, exactMatch, mostlyForgetting }) =>
        `${pipeline}: exact match ${digits(exactMatch.before)} → ${digits(exactMatch.after)}${mostlyForgetting ? ': mostly forgetting' : ''}.`,
    ),
    ...roundLines(table),
    ...table.otherData.map(
      (seed) =>
        `Seed ${seed}: RESET without MTL was not trained on the dataset of MTL+RESET’s first round, so its row is not what it says.`,
    ),
    '',
  ].join('\n');
}

function caption({ engine, seeds, size, vocabulary, habits }: Table): string {
  const world = [
    ...(engine === 'tinylm' ? [] : [engine]),
    ...(size === 'small' ? ['a small world for tests'] : []),
    ...(vocabulary === 0 ? [] : [`vocabulary ${vocabulary}`]),
    ...(habits.factor === 1 ? [] : [`habits × ${habits.factor}`]),
  ];
  const several = seeds.length > 1;
  return `${several ? `Means of seeds ${seeds.join(', ')}` : `Seed ${seeds.join()}`}${world.length === 0 ? '' : ` (${world.join(', ')})`}, test sets, ± half of the 95 % interval; rounds chosen on dev.`;
}

function hasOracle({ rows }: Table, name: Column): boolean {
  return rows.some(({ oracle }) => (oracle[name] ?? null) !== null);
}

function scoreCell({ scores, oracle }: TableRow, name: Column): string {
  const score = scores[name];
  if (score === null) return '–';
  const truth = oracle[name] ?? null;
  return `${digits(score.mean)} ±${halfWidth(score)}${truth === null ? '' : ` (${digits(truth.mean)})`}`;
}

function findingCells({ what, column, found, oracle, target, met }: Finding): string[] {
  const verdict = target === '' ? '' : met === null ? 'not measured' : met ? 'met' : '**not met**';
  return [
    what,
    column,
    found === null ? '–' : differenceWords(found),
    oracle === null ? '' : signed(oracle.mean),
    target === '' ? 'shown only' : target,
    verdict,
  ];
}

/** Which round each seed's chosen checkpoints are of. */
function roundLines({ rows, seeds }: Table): string[] {
  const chosen = rows
    .filter(({ row }) => ['mtl-reset', 'random', 'weights-0', 'gold', 'clean-reset'].includes(row))
    .map(
      ({ title, checkpoints }) =>
        `${title.replaceAll('*', '')} ${checkpoints.map(({ round }) => round).join(', ')}`,
    );
  return [`Rounds chosen, by seed (${seeds.join(', ')}): ${chosen.join('; ')}.`];
}

function tableLines(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

function differenceWords({ mean, lower, upper }: Difference): string {
  return `${signed(mean)} [${signed(lower)}, ${signed(upper)}]`;
}

function halfWidth({ lower, upper }: Estimate): string {
  return ((upper - lower) / 2).toFixed(3);
}

function digits(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}
