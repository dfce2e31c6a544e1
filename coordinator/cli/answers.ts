import { stepOfRound } from '../../shared/contract/ids.ts';
import { CommandError, exits } from './exit.ts';
import type { ClusterOptions } from './cluster.ts';
import { openLedger } from './ledger.ts';
import { chosenRun } from './watch.ts';

/**
 * Prints the greedy answers to the dev and test rows of a round, one line of JSON each, with the values that its scores are means of;
 * round 0 is the start. For programs that measure something of their own.
 */
export async function answers(
  round: string,
  options: ClusterOptions & { run?: string | undefined },
  signal: AbortSignal,
): Promise<number> {
  if (!/^\d{1,6}$/.test(round))
    throw new CommandError(exits.usage, `${round} is no round: give a number, 0 for the start`);
  const ledger = await openLedger(options, signal);
  try {
    const run = await chosenRun(ledger, options.run);
    for await (const answer of ledger.answers(run, stepOfRound(Number(round))))
      process.stdout.write(`${JSON.stringify(answer)}\n`);
    return exits.done;
  } finally {
    await ledger.close();
  }
}
