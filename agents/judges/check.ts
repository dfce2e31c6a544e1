/**
 * Measures a judge against what is known of answers: `node dist/agents/judges/check.js <type> --rows <labelled.jsonl>`. It asks the judge
 * about each labelled answer and about up to nine more texts a row, made of its context.
 */
import { parseArgs } from 'node:util';
import { messageOf, PermanentError } from '../../shared/contract/failure.ts';
import { readJsonLines } from '../../shared/process/json-lines.ts';
import { measure, type Measured } from './check/measure.ts';
import { renderMeasured } from './check/render.ts';
import { builtInRows, type CheckedRow, LabelledRow } from './check/rows.ts';
import { createEngines } from './engines.ts';
import { readSettings, type Settings } from './settings.ts';
import { createJudge, judgeTypes } from './types/table.ts';

const usage = `Usage: check <type> [--rows labelled.jsonl] [--set key=value ...] [--profiles file] [--json]

Does a judge measure what it claims? Shows how its values agree with the labels of people, and how often a sentence
of the context scores strictly higher than the same with one wrong name, number or "not", than no answer, and than
the whole context. Types: ${judgeTypes.join(', ')}.

  --rows <file>      rows with answer and label, or system_output and human_consistency, labels in [0, 1]
                     (default: twelve short passages of our own, without labels)
  --set key=value    an option of the judge, such as reading=squad-words; may be repeated
  --profiles <file>  providers, NLI models and scorers by name (default: $RESET_PROFILES)
  --json             JSON instead of a table

Exit code: 0 measured; 1 the judge could not be made or scored nothing; 2 some rows were bad: each is named on stderr.
`;

interface Request extends Settings {
  readonly type: string;
  readonly rows: string | undefined;
  readonly json: boolean;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const request = readRequest(args);
    if (request !== undefined) return (await check(request)) > 0 ? 2 : 0;
    process.stdout.write(usage);
    return 0;
  } catch (error) {
    process.stderr.write(`check: ${messageOf(error)}\n`);
    return 1;
  }
}

/** What was asked for; undefined for help. */
function readRequest(args: string[]): Request | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rows: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      profiles: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const [type] = positionals;
  if (type === undefined || positionals.length > 1)
    throw new PermanentError(`needs one type of judge\n\n${usage}`);
  const { rows, json } = values;
  return { type, rows, json, ...readSettings(values.set, values.profiles) };
}

/** Prints what was measured and returns how many rows were bad. */
async function check({ type, options, rows: path, profiles, json }: Request): Promise<number> {
  // Never aborted: an interrupt ends this process at once, as it has nothing to hand back.
  const { signal } = new AbortController();
  await using engines = createEngines(profiles, {
    note: (line) => process.stderr.write(`${line}\n`),
  });
  const judge = createJudge(type, options, engines);
  const fingerprint = await judge.fingerprint(signal);
  let bad = 0;
  const rows = path === undefined ? builtInRows : readRows(path, () => (bad += 1));
  const measured = await measure(judge, rows, signal);
  refuseNothing(measured, type);
  process.stdout.write(
    json
      ? `${JSON.stringify({ judge: type, options, fingerprint, rows: path ?? null, bad, ...measured })}\n`
      : renderMeasured(measured),
  );
  return bad;
}

async function* readRows(path: string, onBad: () => void): AsyncGenerator<CheckedRow> {
  for await (const read of readJsonLines(path, LabelledRow)) {
    if (read.ok) yield read.value;
    else {
      onBad();
      process.stderr.write(`${read.problem}\n`);
    }
  }
}

function refuseNothing({ people, planted, reasons }: Measured, type: string): void {
  if (people.spearman.n > 0 || planted.some(({ n }) => n > 0)) return;
  const [reason] = reasons[0] ?? ['no row has a context, or an answer with a label'];
  throw new PermanentError(`a judge of type ${type} scored nothing here: ${reason}`);
}
