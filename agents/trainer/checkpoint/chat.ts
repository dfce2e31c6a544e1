import { isDeepStrictEqual } from 'node:util';
import { readChatTemplate } from '../../../shared/chat/read.ts';
import { type Message, renderMessages } from '../../../shared/chat/render.ts';
import type { ChatTemplate } from '../../../shared/contract/chat-template.ts';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { TrainingSpec } from '../../../shared/contract/training.ts';

/** Throws PermanentError for a model whose chat template, or what its tokenizer does around it, is not what the run was started with. */
export function refuseOtherChat(folder: string, chat: ChatTemplate | undefined): void {
  if (chat === undefined) return;
  const found = readChatTemplate(folder);
  if (isDeepStrictEqual(found, chat)) return;
  const keys = (['source', 'tokens', 'before', 'end', 'ends'] as const).filter(
    (key) => !isDeepStrictEqual(found?.[key], chat[key]),
  );
  throw new PermanentError(
    `${folder} has ${found === undefined ? 'no chat template' : `another chat template (${keys.join(', ')})`} than the run was started with: ` +
      'put its tokenizer files back, or start a run of another name',
  );
}

const CONVERSATION: Message[] = [
  { role: 'user', content: 'Where does Ada live?\nPassage: Ada lives in Oslo.' },
  { role: 'assistant', content: 'In Oslo.' },
  { role: 'user', content: ' Since when? Ünd: "why"?' },
];

/** What a training program shows by that its tokenizer makes of a chat what servers of completions make of the run's prompts. */
export function specOfChat(chat: ChatTemplate): NonNullable<TrainingSpec['chat']> {
  return { messages: CONVERSATION, prompt: renderMessages(chat, CONVERSATION) };
}
