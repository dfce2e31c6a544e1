import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readChatTemplate } from '../../shared/chat/read.ts';
import { PermanentError } from '../../shared/contract/failure.ts';

/** What of a run file says which model it is, before the file is checked. */
const Said = z.looseObject({
  model: z.looseObject({
    base: z.string(),
    template: z.string().optional(),
    tokenizer: z.string().optional(),
    chat: z.unknown().optional(),
  }),
  start: z.array(z.looseObject({ checkpoint: z.string().optional() })).optional(),
});

/**
 * Fills in `model.chat`, which the run keeps to, where a run file asks for template `chat`, or for none and the model has a chat template. What is
 * no run file stays as it is, for the check to refuse. PermanentError where there is no chat template, or one that cannot be used.
 */
export function fillChatTemplate(content: unknown, folder: string): unknown {
  const said = Said.safeParse(content).data;
  if (said === undefined || said.model.chat !== undefined) return content;
  const { model, start = [] } = said;
  if (model.template !== undefined && model.template !== 'chat') return content;
  const given = start.flatMap(({ checkpoint }) => checkpoint ?? []).at(-1) ?? model.base;
  const place = resolve(folder, model.tokenizer ?? given);
  const isSomewhere = model.tokenizer !== undefined || given !== 'scratch';
  const chat = isSomewhere ? readChatTemplate(place) : undefined;
  if (chat !== undefined) return { ...said, model: { ...model, template: 'chat', chat } };
  const isElsewhere = isSomewhere && !existsSync(place);
  if (model.template === undefined && !isElsewhere) return content;
  const why = isElsewhere
    ? `${place} is not on this machine; copy its JSON and Jinja files here and name their folder as model.tokenizer`
    : isSomewhere
      ? `${place} has no chat template, neither chat_template.jinja nor one in tokenizer_config.json`
      : 'a model from scratch has no chat template';
  throw new PermanentError(`model.template: ${why}; or write plain, alpaca or vicuna`);
}
