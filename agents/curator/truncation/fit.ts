/** One example and the model's window. */
import type { Example } from '../../../shared/contract/example.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { Split } from '../../../shared/contract/ids.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { Shortened } from '../../../shared/contract/truncation.ts';
import { renderPrompt, renderTurn } from '../dataset/template.ts';
import { type Kept, shorten } from './shorten.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The example as the run has it, null where it has no place in it; and what was done to it. */
export interface Fit {
  readonly example: Example | null;
  readonly shortened?: Shortened;
}

export interface Measures {
  /** Tokens of a prompt and its answer, at most. */
  readonly window: number;
  readonly folder: string;
  /** Undefined where the model's folder has none; then all that is known of a text is that it has no more tokens than bytes. */
  readonly tokenizer: Tokenizer | undefined;
}

/**
 * Shortens an example's context so that its prompt leaves room for an answer: `sampling.maxTokens` and the token that ends it, or a reference
 * that is longer, up to half of the window, where one may be trained on. PermanentError where that takes a tokenizer and there is none.
 */
export function fitExample(
  { model, sampling, truncation }: RunFile,
  { window, folder, tokenizer = bytes }: Measures,
  example: Example,
  split: Split,
): Fit {
  const most = window - 1 - Math.max(sampling.maxTokens, longestReference());
  const tokens = tokenizer.count(renderPrompt(model, example));
  if (tokens <= most) return { example };
  if (tokenizer === bytes)
    throw new PermanentError(
      `${folder} has no tokenizer.json, and it takes one to see which prompts fit into ${window} tokens: save it there with \`AutoTokenizer.from_pretrained(folder).save_pretrained(folder)\` of transformers, where the curator can read it`,
    );
  const kept = truncation === 'refuse' ? undefined : shortContext();
  if (kept === undefined) return { example: null, shortened: { tokens, kept: null } };
  const context = kept.passages.join('\n');
  return { example: { ...example, context }, shortened: { tokens, kept: kept.tokens } };

  function longestReference(): number {
    if (split === 'test') return 0;
    const counts = example.references.map((reference) =>
      tokenizer.count(renderTurn(model, example, reference).completion),
    );
    return Math.min(Math.floor(window / 2), Math.max(0, ...counts));
  }

  function shortContext(): Kept | undefined {
    if (example.context === null) return undefined;
    const count = (passages: readonly string[]): number =>
      tokenizer.count(renderPrompt(model, { ...example, context: passages.join('\n') }));
    return shorten(passagesOf(example, truncation), count, most, tokens);
  }
}

/** What is cut by itself: a line each, as prompts show passages; a text to summarise is one, and so is what loses its tail. */
function passagesOf({ kind, context }: Example, truncation: RunFile['truncation']): string[] {
  const text = context ?? '';
  if (truncation === 'tail' || kind === 'summarization') return [text.trim()];
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

const bytes: Tokenizer = {
  // One more, for a token that begins the text.
  count: (text) => Buffer.byteLength(text) + 1,
};
