/** Judges that compute, at one core, beside Python's programs for the same measures on the same answers. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createEngines } from '../../../agents/judges/engines.ts';
import { createJudge } from '../../../agents/judges/types/table.ts';
import { messageOf } from '../../../shared/contract/failure.ts';
import { Profiles } from '../../../shared/contract/peer.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { makePairs, type Pair } from './pairs.ts';

const SECONDS = 1;
/** Values are equal to the last bit; their sums are of the same numbers in the same order. */
const SAME = 1e-9;
// Python is not compiled: it stands beside the source of this file.
const program = fileURLToPath(
  new URL('../../../../test/bench/judges/reference.py', import.meta.url),
);

/** Our judge types and the measures of Python that they are beside, the nearest first. */
const measures = [
  { type: 'exact-match', beside: ['exact-match'] },
  { type: 'squad-f1', beside: ['squad-f1'] },
  { type: 'rouge', beside: ['rouge, four variants', 'rougeL'] },
  { type: 'span-coverage', beside: [] },
] as const;

interface Rate {
  readonly perSecond: number;
  /** Of the values of all answers. */
  readonly sum: number;
}

/** Answers a second of processor time. `python` is null where there is nothing to compare with. */
export interface Measure {
  readonly type: string;
  readonly perSecond: number;
  readonly python: { readonly measure: string; readonly perSecond: number } | null;
}

export interface Metrics {
  readonly measures: readonly Measure[];
  /** Why Python was left out; null where it was not. */
  readonly skipped: string | null;
}

/** `python` is an interpreter with the package rouge_score. Throws where the two sides do not agree on the values. */
export async function measureMetrics(python: string): Promise<Metrics> {
  await using folder = await temporaryFolder();
  const pairs = makePairs();
  const path = join(folder.path, 'pairs.jsonl');
  const lines = pairs.map(({ row, answer }) =>
    JSON.stringify({ references: row.references, answer }),
  );
  await writeFile(path, `${lines.join('\n')}\n`);
  const reference = await referenceRates(python, path);
  const theirs = typeof reference === 'string' ? new Map<string, Rate>() : reference;
  const found: Measure[] = [];
  for (const { type, beside } of measures) {
    const ours = await ourRate(type, pairs);
    const known = beside.filter((measure) => theirs.has(measure));
    if (known.length === 0) found.push({ type, perSecond: ours.perSecond, python: null });
    for (const measure of known) {
      const { perSecond, sum } = theirs.get(measure) ?? { perSecond: Number.NaN, sum: Number.NaN };
      if (!(Math.abs(sum - ours.sum) < SAME))
        throw new Error(`${type}: the values add up to ${ours.sum}, in Python to ${sum}`);
      found.push({ type, perSecond: ours.perSecond, python: { measure, perSecond } });
    }
  }
  return { measures: found, skipped: typeof reference === 'string' ? reference : null };
}

async function ourRate(type: string, pairs: readonly Pair[]): Promise<Rate> {
  const { judge } = createJudge(type, {}, createEngines(Profiles.parse({})));
  const { signal } = new AbortController();
  const once = async (): Promise<number> => {
    let sum = 0;
    for (const { row, answer } of pairs) {
      const outcome = await judge(row, answer, signal);
      if (outcome.outcome === 'scored') sum += outcome.value;
    }
    return sum;
  };
  const measure = async (): Promise<Rate> => {
    const start = process.cpuUsage();
    for (let answers = pairs.length; ; answers += pairs.length) {
      const sum = await once();
      const { user, system } = process.cpuUsage(start);
      const seconds = (user + system) / 1e6;
      if (seconds >= SECONDS) return { perSecond: answers / seconds, sum };
    }
  };
  // V8 compiles what runs hot during the first.
  await measure();
  return measure();
}

/** By measure; or why there are none. */
async function referenceRates(
  python: string,
  path: string,
): Promise<ReadonlyMap<string, Rate> | string> {
  try {
    const { stdout } = await promisify(execFile)(python, [program, path]);
    const lines = stdout.trim().split('\n');
    const rates = lines.map((line) => JSON.parse(line) as Rate & { measure: string });
    return new Map(rates.map((rate) => [rate.measure, rate]));
  } catch (error) {
    return messageOf(error).trim().split('\n').at(-1) ?? '';
  }
}
