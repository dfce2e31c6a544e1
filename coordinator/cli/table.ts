import Table from 'cli-table3';
import type { Estimate } from '../../shared/contract/facts.ts';
import type { RunSummary } from './summary.ts';

/** The result for people: scores on test with 95 % bounds, each decision with its reason, and why the run stopped. */
export function resultTable(summary: RunSummary): string {
  const table = new Table({
    head: ['round', 'faithfulness seen', 'faithfulness unseen', 'instruction', 'task', 'decision'],
    style: { head: [], border: [] },
  });
  for (const { round, faithfulness, instruction, task, decision, tripped } of summary.rounds) {
    const name = round === 0 ? 'start' : String(round);
    table.push([
      round === summary.best ? `${name} *` : name,
      cell(faithfulness.seen),
      cell(faithfulness.unseen),
      cell(instruction),
      cell(task),
      tripped.length === 0 ? decision : `${decision} (guardrail)`,
    ]);
  }
  const decisions = summary.rounds
    .filter(({ reason }) => reason !== '')
    .map(({ round, decision, reason }) => `round ${round}: ${decision}: ${reason}`);
  const title = `${summary.run}: scores on test, 95 % bounds in brackets, * = the best round, which is the one to ship`;
  const scores = summary.rounds.length === 0 ? [] : [title, table.toString()];
  return [...scores, ...decisions, ...ending(summary)].join('\n');
}

function ending({ stopped, reason, paused, best, rounds, seconds }: RunSummary): string[] {
  if (paused !== null) return [`paused: ${paused}; starting it again goes on`];
  if (stopped === null) return ['not finished yet'];
  const shipped = rounds.find(({ round }) => round === best);
  return [
    `stopped (${stopped}) after ${seconds} s: ${reason ?? ''}`,
    ...(shipped === undefined
      ? []
      : [
          `best: ${shipped.round === 0 ? 'the start' : `round ${shipped.round}`}, checkpoint ${shipped.checkpoint}`,
        ]),
  ];
}

function cell(estimate: Estimate | null): string {
  if (estimate === null) return 'none';
  return `${digits(estimate.mean)} [${digits(estimate.lower)}, ${digits(estimate.upper)}]`;
}

function digits(value: number): string {
  return value.toFixed(3);
}
