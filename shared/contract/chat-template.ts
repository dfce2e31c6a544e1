import { z } from 'zod';

/**
 * The chat template of a model and what its tokenizer does with the text that it makes, as they were read when the run was submitted. The run
 * keeps to it: another template is another run file.
 */
export const ChatTemplate = z.strictObject({
  /** Jinja, word for word. */
  source: z.string().min(1),
  /** What it can name beside the messages: `bos_token`, `eos_token` and the like. */
  tokens: z.record(z.string(), z.string()),
  /** What the tokenizer puts before every text by itself; '' for nothing. */
  before: z.string(),
  /** The token that ends the assistant's turn. */
  end: z.string().min(1),
  /** Ids of all tokens that end a generation, `end` among them. */
  ends: z.array(z.int().nonnegative()).min(1),
});
export type ChatTemplate = z.infer<typeof ChatTemplate>;
