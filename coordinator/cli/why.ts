import colors from 'picocolors';
import type { Explanation } from '../../shared/contract/explanation.ts';
import { releasedIn, releasedWords } from '../../shared/contract/released.ts';
import type { ClusterOptions } from './cluster.ts';
import { exits } from './exit.ts';
import { openLedger } from './ledger.ts';
import { verdictLines } from './verdict-lines.ts';
import { chosenRun } from './watch.ts';

/** Shows all that is known of one example: prompt, candidates with their cells, verdicts, arithmetic, winner and checkpoint. */
export async function why(
  example: string,
  options: ClusterOptions & { json: boolean; run?: string | undefined },
  signal: AbortSignal,
): Promise<number> {
  const ledger = await openLedger(options, signal);
  try {
    const run = await chosenRun(ledger, options.run);
    const explanation = await ledger.explain(run, example);
    const released = releasedIn((await ledger.journal(run)).map(({ fact }) => fact));
    process.stdout.write(
      options.json ? `${JSON.stringify(explanation)}\n` : `${explain(explanation, released)}\n`,
    );
    return exits.done;
  } finally {
    await ledger.close();
  }
}

function explain(
  { example, shortened, steps }: Explanation,
  released: ReadonlyMap<string, number>,
): string {
  return [
    `example ${colors.bold(example.id)} of ${example.dataset} (${example.kind})`,
    `references: ${example.references.map((reference) => JSON.stringify(reference)).join(', ') || 'none'}`,
    ...(example.constraints === undefined
      ? []
      : [`constraints: ${JSON.stringify(example.constraints)}`]),
    ...(shortened === null ? [] : [explainShortened(shortened)]),
    ...steps.flatMap((step) => explainStep(step, releasedWords(released.get(step.checkpoint)))),
  ].join('\n');
}

function explainShortened({ tokens, kept }: NonNullable<Explanation['shortened']>): string {
  return kept === null
    ? `left out: its prompt of ${tokens} tokens leaves no room for an answer`
    : `context shortened: its prompt has ${kept} of ${tokens} tokens, for the model, its judges and the training`;
}

type StepExplanation = Explanation['steps'][number];

function explainStep(
  { step, split, checkpoint, prompt, opponents, candidates, selection }: StepExplanation,
  note: string,
): string[] {
  return [
    '',
    colors.bold(`${step}, ${split}, sampled from checkpoint ${checkpoint}${note}`),
    `prompt: ${JSON.stringify(prompt)}`,
    ...Object.entries(opponents).map(
      ([judge, { step: theirs, text }]) =>
        `${judge} compares with ${theirs}: ${JSON.stringify(text)}`,
    ),
    ...candidates.flatMap((candidate, at) =>
      explainCandidate(candidate, {
        kept: candidate.candidate === selection?.candidate,
        repeats: candidates.slice(0, at).some(({ text }) => text === candidate.text),
      }),
    ),
    ...(selection === null ? [] : [`kept: ${selection.candidate ?? 'none'}: ${selection.reason}`]),
  ];
}

function explainCandidate(
  {
    candidate,
    cells,
    text,
    failure,
    verdicts,
    cached,
    arithmetic,
  }: StepExplanation['candidates'][number],
  { kept, repeats }: { kept: boolean; repeats: boolean },
): string[] {
  const answer =
    text === null ? colors.yellow(`failed: ${failure ?? 'no reason given'}`) : JSON.stringify(text);
  return [
    `${kept ? colors.green('*') : ' '} ${candidate.slice(0, 8)} ${cells.join('+')}: ${answer}`,
    ...Object.entries(verdicts).flatMap(([judge, verdict]) => {
      const lines = verdictLines(judge, verdict, cached.includes(judge));
      // Equal texts were judged once: what was said of them is shown with the first.
      return repeats ? lines.slice(0, 1) : lines;
    }),
    `    score: ${arithmetic}`,
  ];
}
