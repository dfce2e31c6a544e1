import type { EqualLength, Pair } from './equal-length.ts';
import type { FaithfulnessByLength, Group } from './faithfulness-by-length.ts';
import type { Lengths } from './lengths.ts';
import { figure, markdownTable } from './markdown.ts';

export function renderLengths({ gold, rounds }: Lengths): string | undefined {
  if (rounds.length === 0) return undefined;
  const datasets = Object.keys(gold);
  const row = (name: string, words: Lengths['gold']): string[] => [
    name,
    ...datasets.map((dataset) => figure(words[dataset] ?? null, 1)),
  ];
  const table = markdownTable(
    ['round', ...datasets],
    [row('gold answers', gold), ...rounds.map(({ round, words }) => row(nameOf(round), words))],
  );
  return `## Answer lengths\n\nMean words of the greedy test answers (the paper's Figure 4, which counts tokens).\n\n${table}`;
}

export function renderFaithfulnessByLength(
  kinds: readonly FaithfulnessByLength[],
): string | undefined {
  const rows = kinds.flatMap(({ kinds: name, rounds }) =>
    rounds.map(({ round, short, longer, muchLonger }) => [
      name,
      nameOf(round),
      ...[short, longer, muchLonger].map(grouped),
    ]),
  );
  if (rows.length === 0) return undefined;
  const table = markdownTable(
    ['sets', 'round', 'at most the gold length', 'longer', 'more than 100 words longer'],
    rows,
  );
  return `## Faithfulness of short and long answers\n\nMeans over test rows, their number in brackets (the paper's Figure 5: abstractive sets, at most the gold length against more than 100 tokens longer).\n\n${table}`;
}

export function renderEqualLength(rounds: readonly EqualLength[]): string | undefined {
  if (rounds.length === 0) return undefined;
  const table = markdownTable(
    ['round', 'all rows: start → round', 'rows of equal length: start → round'],
    rounds.map(({ round, all, equal }) => [nameOf(round), paired(all), paired(equal)]),
  );
  return `## Instruction score at equal length\n\nTest rows whose answer is at most 10 words shorter or longer than that of the start, beside all rows; their number in brackets (the paper's Figure 7).\n\n${table}`;
}

function nameOf(round: number): string {
  return round === 0 ? 'start' : `${round}`;
}

function grouped({ n, mean }: Group): string {
  return n === 0 ? figure(null) : `${figure(mean)} (${n})`;
}

function paired({ n, start, round }: Pair): string {
  return n === 0 ? figure(null) : `${figure(start)} → ${figure(round)} (${n})`;
}
