import type { z } from 'zod';
import { PromptMeasure, RowsMeasure } from '../../shared/contract/measures.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { TransientError } from '../../shared/contract/failure.ts';
import type { Price, Profiles } from '../../shared/contract/peer.ts';
import type { JudgeSpec, RunFile } from '../../shared/contract/run-file.ts';
import { readProfiles } from '../../shared/process/environment.ts';
import type { ClusterOptions } from './cluster.ts';
import type { PricedJudge } from './estimate/bill.ts';
import { estimateRun } from './estimate/make.ts';
import { renderEstimate } from './estimate/render.ts';
import { CommandError, exits } from './exit.ts';
import { openLedger } from './ledger.ts';
import { readProgram } from './program.ts';
import { readRunFile } from './run-file.ts';

export interface EstimateOptions extends ClusterOptions {
  json: boolean;
  profiles?: string | undefined;
}

/**
 * Shows what the judges of a run file that ask a model may cost: calls, tokens and dollars, before anything is asked. Exit 2 where a price is
 * not known, with the rest of the estimate.
 */
export async function estimate(
  path: string,
  options: EstimateOptions,
  signal: AbortSignal,
): Promise<number> {
  const profiles = readProfiles(options.profiles ?? process.env['RESET_PROFILES']);
  const file = readRunFile(path, profiles);
  const asking = file.judges.filter(({ provider }) => typeof provider === 'string');
  if (asking.length === 0) {
    const words = `no judge of ${path} asks a model: judging costs nothing`;
    process.stdout.write(
      options.json ? `${JSON.stringify({ run: file.run, judges: [] })}\n` : `${words}\n`,
    );
    return exits.done;
  }
  const parts = await measured(RowsMeasure, 'agents/curator/measure-rows.js', file);
  const prompts = await measured(PromptMeasure, 'agents/judges/measure-prompts.js', asking);
  const judges = asking.flatMap((spec, at): PricedJudge[] => {
    const own = prompts[at];
    return own === undefined ? [] : [{ spec, prompts: own, price: priceOf(spec, profiles) }];
  });
  const estimated = estimateRun(file, judges, parts, await earlierFacts(file, options, signal));
  process.stdout.write(
    options.json ? `${JSON.stringify(estimated)}\n` : `${renderEstimate(estimated)}\n`,
  );
  const unknown = judges.filter(({ price }) => price === undefined);
  if (unknown.length === 0) return exits.done;
  throw new CommandError(
    exits.usage,
    unknown.map(({ spec }) => lackOf(spec, options.profiles)).join('\n'),
  );
}

async function measured<TMeasure>(
  schema: z.ZodType<TMeasure>,
  program: string,
  of: RunFile | readonly JudgeSpec[],
): Promise<TMeasure[]> {
  const measures: TMeasure[] = [];
  for await (const line of readProgram(program, [JSON.stringify(of)], exits.usage))
    measures.push(schema.parse(line));
  return measures;
}

function priceOf({ provider, model }: JudgeSpec, { providers }: Profiles): Price | undefined {
  const profile = providers[String(provider)];
  return profile?.free === true ? { prompt: 0, completion: 0 } : profile?.prices[String(model)];
}

function lackOf({ name, provider, model }: JudgeSpec, profiles: string | undefined): string {
  return `the price of judge ${name} is not known: give prices of model "${String(model)}" under providers.${String(provider)} in ${profiles ?? 'the file that --profiles names'}, or write \`free: true\` there`;
}

/** The journal of the run as far as it went; empty where there is none to be found. */
async function earlierFacts(
  { run }: RunFile,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<Fact[]> {
  try {
    const ledger = await openLedger(options, signal);
    try {
      if (!(await ledger.runs()).includes(run)) return [];
      return (await ledger.journal(run)).map(({ fact }) => fact);
    } finally {
      await ledger.close();
    }
  } catch (error) {
    const isAway =
      error instanceof TransientError ||
      (error instanceof CommandError && error.code === exits.unreachable);
    if (isAway) return [];
    throw error;
  }
}
