import type { Estimate } from '../../../shared/contract/facts.ts';
import { renderChecks, shownName } from './checks.ts';
import type { Report } from './collect.ts';
import { figure, markdownTable } from './markdown.ts';
import { renderCells, renderCurated, renderGuardrails } from './render-rounds.ts';
import { renderDrift, renderHealth } from './render-health.ts';
import { renderJudging } from './render-judging.ts';
import { renderPairs } from './render-pairs.ts';
import { renderTruncation } from './render-truncation.ts';
import { renderEqualLength, renderFaithfulnessByLength, renderLengths } from './render-lengths.ts';

/** The report as Markdown. */
export function renderReport(report: Report): string {
  const nameOfJudge = (judge: string): string => shownName(report.checks, judge);
  const sections: (string | undefined)[] = [
    `# Run ${report.run}`,
    ending(report),
    rounds(report),
    byDataset(report),
    decisions(report),
    renderGuardrails(report.decisions, nameOfJudge),
    detectable(report),
    renderLengths(report.lengths),
    renderFaithfulnessByLength(report.faithfulnessByLength),
    renderEqualLength(report.equalLength),
    renderCells(report.grids),
    renderCurated(report.curated),
    renderTruncation(report.truncation),
    renderPairs(report.pairs),
    renderHealth(report.curated, nameOfJudge),
    renderDrift(report.evaluations),
    renderJudging(report.judging, nameOfJudge),
    renderChecks(report.checks),
    digests(report),
  ];
  return `${sections.filter((section) => section !== undefined).join('\n\n')}\n`;
}

function ending({ stopped, reason, paused, best, rounds: all }: Report): string {
  if (paused !== null) return `Paused: ${paused}`;
  if (stopped === null) return 'Not finished: this is what there is so far.';
  const shipped = all.find(({ round }) => round === best);
  const checkpoint =
    shipped === undefined
      ? 'There is no checkpoint to ship.'
      : `To ship: ${shipped.round === 0 ? 'the start' : `round ${shipped.round}`}, checkpoint \`${shipped.checkpoint}\`.`;
  return `Stopped (${stopped}): ${reason ?? ''}. ${checkpoint}`;
}

function rounds({ rounds: all, best }: Report): string | undefined {
  if (all.length === 0) return undefined;
  const table = markdownTable(
    ['round', 'faithfulness seen', 'faithfulness unseen', 'instruction', 'task', 'decision'],
    all.map(({ round, faithfulness, instruction, task, decision }) => [
      round === best ? `${nameOf(round)} \\*` : nameOf(round),
      bounded(faithfulness.seen),
      bounded(faithfulness.unseen),
      bounded(instruction),
      bounded(task),
      decision,
    ]),
  );
  return `## Rounds\n\nScores on test with 95 % bounds; \\* is the best round. No decision reads these.\n\n${table}`;
}

function byDataset({ evaluations }: Report): string | undefined {
  const names = new Set(
    evaluations.flatMap(({ test }) =>
      Object.entries(test.datasets).flatMap(([dataset, scores]) =>
        Object.keys(scores).map((axis) => `${dataset} ${axis}`),
      ),
    ),
  );
  if (names.size === 0) return undefined;
  const rows = [...names].map((name) => {
    const [dataset = '', axis = ''] = name.split(' ');
    return [
      dataset,
      axis,
      ...evaluations.map(({ test }) => {
        const scores: Partial<Record<string, Estimate>> = test.datasets[dataset] ?? {};
        return figure(scores[axis]?.mean ?? null);
      }),
    ];
  });
  const heads = evaluations.map(({ step }) => nameOf(Number(step.slice(1))));
  return `## Scores by dataset\n\n${markdownTable(['dataset', 'axis', ...heads], rows)}`;
}

function decisions({ decisions: all }: Report): string | undefined {
  if (all.length === 0) return undefined;
  const lines = all.map(
    ({ round, decision, reason }) => `- round ${round}: **${decision}**: ${reason}`,
  );
  return `## Decisions\n\nMade on the dev parts of the seen datasets.\n\n${lines.join('\n')}`;
}

function detectable({ detectable: all }: Report): string | undefined {
  if (all.length === 0) return undefined;
  const table = markdownTable(
    ['axis', 'dev rows', 'standard error', 'smallest difference'],
    all.map(({ axis, rows, standardError, smallest }) => [
      axis,
      rows,
      figure(standardError, 4),
      figure(smallest),
    ]),
  );
  return `## What the evaluation can tell\n\nThe smallest true difference on dev that a decision sees four times in five: (1.96 + 0.84) times the standard error of the paired bootstrap.\n\n${table}`;
}

function digests({ digests: all }: Report): string {
  const table = markdownTable(
    ['what', 'sha256'],
    all.map(({ what, digest }) => [what, `\`${digest}\``]),
  );
  return `## Digests\n\n${table}`;
}

function nameOf(round: number): string {
  return round === 0 ? 'start' : `${round}`;
}

function bounded(estimate: Estimate | null): string {
  if (estimate === null) return figure(null);
  return `${figure(estimate.mean)} [${figure(estimate.lower)}, ${figure(estimate.upper)}]`;
}
