/**
 * Judges the rows of a file without bus or ledger: `node dist/agents/judges/score.js <rows.jsonl> --judge <type>`.
 * Rows are those of design §10 with an `answer`, or with a
 * `judgment` in its place; each gives one line of JSON on stdout, in order, a bad row too.
 */
import { once } from 'node:events';
import { z } from 'zod';
import { Row } from '../../shared/contract/example.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import type { Outcome } from '../../shared/contract/work.ts';
import { carryOut } from '../../shared/process/command-line.ts';
import { readJsonLines } from '../../shared/process/json-lines.ts';
import { createEngines } from './engines.ts';
import { judgePatiently } from './patience.ts';
import { readSettings, type Settings } from './settings.ts';
import { createJudge, judgeTypes } from './types/table.ts';

const usage = `Usage: score <rows.jsonl> --judge <type> [--set key=value ...]

Judges answers offline. Each row {id, instruction, context, question, references, constraints, answer}
gives one line {id, judge, outcome, value, reason, details}, in the order of the file. A row for
rating-parser has the judgment of a model in place of the answer: {id, judgment}. A row for pairwise
against start or incumbent has that checkpoint's answer beside it: {answer, opponent}.

  --judge <type>     ${judgeTypes.join(', ')}
  --set key=value    an option of the judge, such as version=v2.0; may be repeated. nli may be the
                     URL of a service or the path of an ONNX folder, such as ./model
  --profiles <file>  providers, NLI models and scorers by name (default: $RESET_PROFILES)
  --help             this text

Exit code: 0 every row was read; 1 nothing could be judged (wrong option, file that cannot be read);
2 some rows were bad: each is named on stderr and has an unscored line.
`;

const ScoreRow = Row.extend({
  answer: z.string().optional(),
  judgment: z.string().optional(),
  opponent: z.string().optional(),
}).transform(({ answer, judgment, ...row }, context) => {
  const text = answer ?? judgment;
  if (text !== undefined && (answer === undefined || judgment === undefined))
    return { ...row, text };
  context.addIssue({ code: 'custom', message: 'needs either an answer or a judgment' });
  return z.NEVER;
});

await carryOut(
  {
    name: 'score',
    usage,
    options: {
      judge: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      profiles: { type: 'string' },
    },
  },
  async ({ judge, set, profiles }, [path, ...others]) => {
    if (path === undefined || others.length > 0 || judge === undefined)
      throw new PermanentError(`needs one file of rows and a --judge\n\n${usage}`);
    return (await scoreFile(path, judge, readSettings(set, profiles))) > 0 ? 2 : 0;
  },
);

/** Writes a line for each row and returns how many rows were bad. */
async function scoreFile(
  path: string,
  type: string,
  { options, profiles }: Settings,
): Promise<number> {
  await using engines = createEngines(profiles, {
    note: (line) => process.stderr.write(`${line}\n`),
  });
  const judge = createJudge(type, options, engines);
  // Never aborted: an interrupt ends this process at once, as it has nothing to hand back.
  const { signal } = new AbortController();
  // An engine that is not there, or not what it should be, is told before the first row.
  await judge.fingerprint(signal);
  let bad = 0;
  for await (const read of readJsonLines(path, ScoreRow)) {
    if (read.ok) {
      const { id, instruction, history, context, question, ...given } = read.value;
      const { references, constraints, opponent, text } = given;
      const row = {
        instruction: instruction ?? null,
        history,
        context: context ?? null,
        question: question ?? null,
        references,
        constraints,
        opponent,
      };
      await writeLine(id ?? null, type, await judgePatiently(judge, row, text, signal));
    } else {
      bad += 1;
      process.stderr.write(`${read.problem}\n`);
      await writeLine(null, type, { outcome: 'unscored', reason: read.problem });
    }
  }
  return bad;
}

async function writeLine(
  id: string | number | null,
  judge: string,
  answer: Outcome,
): Promise<void> {
  const { outcome } = answer;
  const facts =
    outcome === 'scored'
      ? { value: answer.value, reason: null, details: answer.details }
      : { value: null, reason: answer.reason, details: answer.details ?? null };
  const line = `${JSON.stringify({ id, judge, outcome, ...facts })}\n`;
  if (!process.stdout.write(line)) await once(process.stdout, 'drain');
}
