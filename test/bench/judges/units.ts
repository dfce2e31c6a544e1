import { textId } from '../../../shared/contract/ids.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { JudgeUnit } from '../../../shared/contract/work.ts';
import { makeExample, makeRunFile } from '../../support/run.ts';
import { textOf } from '../loop/workload.ts';

export const TEXTS = 7;
/** Examples in a unit of a judge that computes: what 500-byte texts leave room for in a message. */
const COMPUTED_EXAMPLES = 32;

const rater = {
  name: 'rater',
  axis: 'instruction' as const,
  type: 'llm',
  provider: 'fake',
  model: 'judge-1',
};
const f1 = { name: 'f1', axis: 'task' as const, type: 'squad-f1' };

/** Who judges: a model behind an API, or this machine. */
export type Kind = 'asked' | 'computed';

const judges = { asked: rater, computed: f1 };

export const file: RunFile = makeRunFile({ run: 'bench', judges: [rater, f1] });

let made = 0;

/** A unit that was never there before, of one example with `texts` texts for an API, and of many examples for a judge that computes. */
export function makeUnit(kind: Kind, texts = TEXTS): JudgeUnit {
  made += 1;
  const unit = `r1-train-s${String(made).padStart(4, '0')}`;
  const examples = kind === 'asked' ? 1 : COMPUTED_EXAMPLES;
  return {
    kind: 'judge',
    run: file.run,
    unit,
    judge: judges[kind],
    items: Array.from({ length: examples }, (_, at) => ({
      example: makeExample({ question: `What is said in ${unit} of number ${at}?` }),
      texts: Array.from({ length: texts }, (_, i) => {
        const text = textOf(textId(`${unit} ${at} ${i}`));
        return { id: textId(text), text };
      }),
    })),
  };
}
