import type { ClusterOptions } from './cluster.ts';
import { CommandError, exits } from './exit.ts';
import { openLedger, type Ledger } from './ledger.ts';
import { jsonWatcher, liveWatcher } from './live.ts';
import { printResult, showRun } from './run.ts';

/** Follows a run, or shows the journal that it left, and its result. */
export async function watch(
  name: string | undefined,
  options: ClusterOptions & { json: boolean },
  signal: AbortSignal,
): Promise<number> {
  const ledger = await openLedger(options, signal);
  try {
    const run = await chosenRun(ledger, name);
    if (ledger.cluster !== undefined) return await showRun(ledger.cluster, run, options, signal);
    const entries = await ledger.journal(run);
    const watcher = options.json ? jsonWatcher(process.stdout) : liveWatcher(process.stdout);
    for (const entry of entries) watcher.fact(entry);
    return printResult(entries, options);
  } finally {
    await ledger.close();
  }
}

/** The run that is named, or the only one there is. */
export async function chosenRun(ledger: Ledger, name: string | undefined): Promise<string> {
  if (name !== undefined) return name;
  const runs = await ledger.runs();
  const [only] = runs;
  if (only === undefined)
    throw new CommandError(exits.unreachable, 'there is no run yet: reset-loop run <file>');
  if (runs.length > 1)
    throw new CommandError(exits.usage, `name one of the runs: ${runs.join(', ')}`);
  return only;
}
