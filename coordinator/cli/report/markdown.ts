/** A Markdown table; cells are put on one line and their bars escaped. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => `${cell}`.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Three digits, or a dash where there is no value. */
export function figure(value: number | null, digits = 3): string {
  return value === null ? '–' : value.toFixed(digits);
}
