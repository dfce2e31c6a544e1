/**
 * The reproduction: for each seed the runs of the plan, one after the other in one local cluster, and the table of what they came to.
 *
 * P1. A run is carried out like any other, by its run file; a finished one is read from the ledger. So after any end the same
 *     command goes on.
 * P2. A state folder holds one reproduction: other seeds, habits or words are refused.
 * P3. Test values and the oracle are read when every run is over.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { canonicalJson } from '../../../shared/contract/ids.ts';
import { RunFile } from '../../../shared/contract/run-file.ts';
import { writeFileDurably } from '../../../shared/process/files.ts';
import { startCluster } from '../../local/local-cluster.ts';
import { packageRoot } from '../../local/paths.ts';
import type { StopSignals } from '../../local/program.ts';
import { removeEarlier } from '../../local/start.ts';
import { type StateFolder, stateFolder } from '../../local/state-folder.ts';
import { defaultHabits, readHabits } from '../world/habits.ts';
import { testSetsOf } from '../world/test-sets.ts';
import { readTruth, type Truth } from '../world/truth.ts';
import { readParts } from './answers.ts';
import type { ReproduceArguments } from './arguments.ts';
import { carryOutPlanned, makeWorlds, nameOf, runFileOf } from './chain.ts';
import { engines } from './engines.ts';
import { createEta } from './eta.ts';
import type { Journal } from './journal.ts';
import { markdownOf } from './markdown.ts';
import type { PlannedRun, RunFileInput, RunName } from './plan.ts';
import type { Teller } from './progress.ts';
import { type RowName, rows } from './rows.ts';
import type { Part } from './scores.ts';
import { type Settings, type Table, tableOf } from './table.ts';

interface Work {
  args: ReproduceArguments;
  settings: Settings;
  demo: RunFileInput;
  plan: readonly PlannedRun[];
  teller: Teller;
  signal: AbortSignal;
}

type Journals = ReadonlyMap<number, ReadonlyMap<RunName, Journal>>;

/** Makes the table, or goes on making it. Returns the exit code; throws a message for the user. */
export async function reproduce(
  args: ReproduceArguments,
  teller: Teller,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  signals: StopSignals,
): Promise<number> {
  const state = stateFolder(args.state);
  const settings = await settingsOf(args);
  const engine = engines[args.engine];
  const profiles = await engine.profiles();
  const source = await readFile(join(packageRoot, 'deploy/demo', args.demo.file), 'utf8');
  const demo = engine.settle(parse(source) as RunFileInput, args.size);
  if (args.fresh) await removeEarlier(state, say, signals.soft);
  say(`everything is kept in ${state.root}; after Ctrl-C or a kill the same command goes on`);
  const prepare = (): Promise<void> => keepSettings(state, settings);
  const started = await startCluster({
    state,
    env,
    say,
    signal: signals.soft,
    prepare,
    ...(profiles === undefined ? {} : { profiles }),
  });
  if (!('cluster' in started))
    throw new Error(
      `pid ${started.holder.pid} works in ${state.root}: wait for it, end it with Ctrl-C, or choose another folder with --state`,
    );
  const { cluster } = started;
  const over = new AbortController();
  const kill = (): void => {
    cluster.kill();
  };
  signals.hard.addEventListener('abort', kill, { once: true });
  try {
    const plan = engine.plan(demo, state.checkpoints);
    const signal = AbortSignal.any([signals.soft, over.signal]);
    const work = makeTable({ args, settings, demo, plan, teller, signal });
    const table = await Promise.race([work, cluster.failed]);
    if (args.out !== undefined) await writeFile(args.out, markdownOf(table));
    teller.ends(table);
    return 0;
  } finally {
    if (signals.soft.aborted) say('ending in order; the next start goes on from here');
    over.abort();
    await cluster.stop();
    signals.hard.removeEventListener('abort', kill);
  }
}

async function settingsOf({
  engine,
  seeds,
  size,
  habits,
  vocabulary,
}: ReproduceArguments): Promise<Settings> {
  const table = habits === undefined ? defaultHabits : await readHabits(habits);
  return { engine, seeds, size, habits: table, vocabulary };
}

/** A folder holds one reproduction: it is told apart by what it was begun with. */
async function keepSettings({ root }: StateFolder, settings: Settings): Promise<void> {
  const path = join(root, 'reproduce.json');
  const own = `${canonicalJson(settings)}\n`;
  let found: string | undefined;
  try {
    found = await readFile(path, 'utf8');
  } catch {
    await writeFileDurably('supervisor.run-file', path, own);
    return;
  }
  if (found !== own)
    throw new Error(
      `${root} holds another reproduction (${found.trim()}): choose another folder with --state, or begin anew with --fresh`,
    );
}

async function makeTable(work: Work): Promise<Table> {
  const finished = await carryOutAll(work);
  const { loss } = RunFile.parse(work.demo).rounds.gate;
  const scores = await readScores(work, finished, loss);
  return tableOf(work.settings, finished, scores, loss);
}

async function carryOutAll({ args, settings, plan, teller, signal }: Work): Promise<Journals> {
  const eta = createEta();
  const of = settings.seeds.length * plan.length;
  let left = settings.seeds.length * plan.reduce((sum, { cost }) => sum + cost, 0);
  let at = 0;
  const all = new Map<number, Map<RunName, Journal>>();
  for (const seed of settings.seeds) {
    const place = { state: args.state, seed };
    await makeWorlds(place, plan, settings, args.demo.world);
    const finished = new Map<RunName, Journal>();
    all.set(seed, finished);
    for (const run of plan) {
      at += 1;
      const { title, cost } = run;
      const name = nameOf(seed, run.name);
      teller.begins({ run: name, title, at, of, secondsLeft: eta.secondsFor(left) });
      const begun = Date.now();
      let opened: number | undefined;
      const journal = await carryOutPlanned(
        place,
        run,
        finished,
        (event) => {
          opened ??= event.at;
          teller.hears(name, event);
        },
        signal,
      );
      finished.set(run.name, journal);
      left -= cost;
      // One that had begun before says nothing about the pace.
      if (opened !== undefined && opened >= begun)
        eta.took({ seconds: (Date.now() - begun) / 1000, cost });
    }
  }
  return all;
}

/** Test values of every row, with the oracle beside them. Each evaluation is read once. */
async function readScores(
  { args, settings, demo, plan, teller, signal }: Work,
  finished: Journals,
  loss: number,
): Promise<Record<RowName, Part[]>> {
  const scores = Object.fromEntries(rows.map(({ row }) => [row, []])) as unknown as Record<
    RowName,
    Part[]
  >;
  const truths = new Map<string, Truth>();
  for (const seed of settings.seeds)
    for (const run of plan) {
      const folder = dirname(runFileOf({ state: args.state, seed }, run));
      const sets = testSetsOf(RunFile.parse(demo), folder);
      const truth = truths.get(folder) ?? (await readTruth(join(folder, 'world'), sets));
      truths.set(folder, truth);
      const read = new Map<number, Part[]>();
      for (const { row, roundOf } of rows.filter((one) => one.run === run.name)) {
        const round = roundOf(finished.get(seed)?.get(run.name) ?? [], loss);
        const evaluation = { run: nameOf(seed, run.name), round, seed };
        const parts =
          read.get(round) ?? (await readParts(evaluation, sets, truth, args.state, signal));
        read.set(round, parts);
        scores[row].push(...parts);
        teller.reads(evaluation);
      }
    }
  return scores;
}
