import { capabilityOf } from '../../shared/contract/judge-options.ts';
import type { Presence } from '../../shared/contract/peer.ts';
import type { JudgeSpec, RunFile } from '../../shared/contract/run-file.ts';
import { unary } from '../../shared/rpc/client.ts';
import { wordsOf } from '../decision/guardrails.ts';
import { runFileOf } from '../decision/journal.ts';
import type { Cluster, ClusterOptions } from './cluster.ts';
import { exits } from './exit.ts';
import { openLedger } from './ledger.ts';
import { type GridSummary, summarize, type RunSummary } from './summary.ts';

interface RunStatus extends RunSummary {
  /** Why it cannot go on at the moment, a missing peer first. */
  trouble: string | null;
}

/** Shows every run, what it waits for, and the peers. Exit 0; 3 where a run is paused; 4 where nothing was ever started. */
export async function status(
  options: ClusterOptions & { json: boolean },
  signal: AbortSignal,
): Promise<number> {
  const ledger = await openLedger(options, signal);
  try {
    const peers = (await ledger.cluster?.directory.peers()) ?? [];
    const troubles =
      ledger.cluster === undefined
        ? new Map<string, string>()
        : await troublesOf(ledger.cluster, signal);
    const runs: RunStatus[] = [];
    for (const name of await ledger.runs()) {
      const entries = await ledger.journal(name);
      const summary = summarize(entries);
      const missing =
        ledger.cluster === undefined || summary.stopped !== null
          ? undefined
          : missingPeer(runFileOf(entries.map(({ fact }) => fact)), peers);
      runs.push({ ...summary, trouble: missing ?? troubles.get(name) ?? null });
    }
    const durability = ledger.cluster?.durability ?? null;
    if (options.json) process.stdout.write(`${JSON.stringify({ runs, peers, durability })}\n`);
    else
      process.stdout.write(
        `${[...runs.map(runLine), ...peerLines(peers, durability)].join('\n')}\n`,
      );
    return runs.some(({ paused }) => paused !== null) ? exits.paused : exits.done;
  } finally {
    await ledger.close();
  }
}

async function troublesOf(cluster: Cluster, signal: AbortSignal): Promise<Map<string, string>> {
  const coordinator = await cluster.coordinator(signal);
  const { runs } = await unary(
    coordinator.listRuns.bind(coordinator),
    {},
    { deadlineMs: 5_000, signal },
  );
  return new Map(
    runs.filter(({ trouble }) => trouble !== '').map(({ run, trouble }) => [run, trouble]),
  );
}

/** The first thing that the run file asks for and no peer on the bus offers. */
export function missingPeer(file: RunFile, peers: readonly Presence[]): string | undefined {
  const offers = (role: Presence['role'], name: string) =>
    peers.some((peer) => peer.role === role && peer.offers.includes(name));
  if (!peers.some((peer) => peer.role === 'curator'))
    return 'no curator is on the bus: reset-loop peer --role curator';
  if (!offers('sampler', file.sampling.server))
    return `no sampler has a server profile named "${file.sampling.server}": reset-loop peer --role sampler`;
  if (!offers('trainer', file.training.backend))
    return `no trainer has the back-end "${file.training.backend}": reset-loop peer --role trainer`;
  const carried = (judge: JudgeSpec): boolean =>
    peers.some(
      ({ role, offers, judges }) =>
        role === 'judge' &&
        offers.includes(capabilityOf(judge)) &&
        judges?.includes(judge.name) !== false,
    );
  const judge = file.judges.find((one) => !carried(one));
  return judge === undefined
    ? undefined
    : `no peer carries judge "${judge.name}" (${capabilityOf(judge)}): reset-loop peer --role judge`;
}

function runLine(status: RunStatus): string {
  const { run, rounds, grid, stopped, paused, reason, trouble, best } = status;
  const last = rounds.at(-1);
  const score =
    last?.faithfulness.seen === null || last === undefined
      ? ''
      : `, test faithfulness ${last.faithfulness.seen.mean.toFixed(3)}`;
  const state =
    stopped === null
      ? paused === null
        ? 'running'
        : `paused: ${paused}`
      : `finished (${stopped}): ${reason ?? ''}, best round ${best ?? 'none'}`;
  const at =
    last === undefined
      ? 'making the starting checkpoint'
      : `${last.round === 0 ? 'start' : `round ${last.round}`} evaluated${score}`;
  return [
    `run ${run}: ${state}; ${at}`,
    ...(trouble === null ? [] : [`  waits: ${trouble}`]),
    ...(last === undefined || last.tripped.length === 0
      ? []
      : [`  guardrails tripped in round ${last.round}: ${last.tripped.map(wordsOf).join(', ')}`]),
    ...(grid === null ? [] : [gridLine(grid)]),
  ].join('\n');
}

/** Which decoding settings win, and which give texts that no other gave, as shares of their candidates. */
function gridLine({ round, cells }: GridSummary): string {
  const shares = Object.entries(cells).map(
    ([name, { candidates, own, wins }]) =>
      `${name} ${percent(wins / candidates)}/${percent(own / candidates)}`,
  );
  return `  cells of round ${round}, wins/own texts in %: ${shares.join(', ')}`;
}

function percent(share: number): string {
  return (100 * share).toFixed(0);
}

function peerLines(peers: readonly Presence[], durability: Cluster['durability'] | null): string[] {
  if (durability === null) return ['no cluster runs here; this is what the ledger holds'];
  return [
    `durability: ${durability} (${durability === 'power' ? 'the bus syncs every write' : 'kill -9 loses nothing; sync_interval: always is for power loss'})`,
    ...peers.map(
      ({ peer, role, offers, http }) =>
        `peer ${peer}: ${role}${offers.length === 0 ? '' : ` (${offers.map(short).join(', ')})`}, ${http}/metrics`,
    ),
  ];
}

/** A curator offers its ledger's id, which nobody needs whole here. */
function short(offer: string): string {
  return offer.slice(0, 16);
}
