/** What the lexical NLI behind SummaC-ZS is worth on real text, by the command that users have for it. */
import { expect, test } from 'vitest';
import type { Measured } from '../../agents/judges/check/measure.ts';
import { runCli } from '../support/cli.ts';
import { goldenPath } from '../support/golden.ts';

test('the lexical NLI agrees with people a little, and sees errors planted into copied sentences', async (context) => {
  for (const [name, least, most] of [
    ['qags_cnndm', 0.3, 0.6],
    ['qags_xsum', 0, 0.4],
  ] as const) {
    const path = goldenPath(context, `faithfulness/${name}.jsonl`);
    const { code, output } = await runCli('judge', 'check', 'summac-zs', '--rows', path, '--json');
    expect(code).toBe(0);
    const { people, planted } = JSON.parse(output) as Measured;
    expect(people.spearman.n).toBeGreaterThan(90);
    expect(people.spearman.value, name).toBeGreaterThan(least);
    expect(people.spearman.value, name).toBeLessThan(most);
    expect(people.auroc.lower, name).toBeGreaterThan(0.4);
    expect(people.auroc.upper, name).toBeLessThan(0.9);
    for (const { planting, n, share } of planted)
      // QAGS writes names without capitals, so none are found; that copying everything is no merit, this judge cannot know.
      if (n > 0 && planting !== 'whole context') expect(share, planting).toBeGreaterThan(0.9);
    const figures = Object.fromEntries(
      planted.map(({ planting, share, n }) => [planting, [share, n]]),
    );
    process.stdout.write(
      `${name}: Spearman ${people.spearman.value?.toFixed(2)}, AUROC ${people.auroc.value?.toFixed(2)}, ${JSON.stringify(figures)}\n`,
    );
  }
});
