import type { ChatRequest } from '../providers/provider.ts';

/** What a judge model is shown in one call. */
export type ChatQuestion = Pick<ChatRequest, 'messages' | 'schema'>;

/** What was read: a value in [0, 1] with its details; or why there is none, with details of what was there instead. */
export type Reading =
  | { readonly value: number; readonly details: Readonly<Record<string, unknown>> }
  | { readonly reason: string; readonly details?: Readonly<Record<string, unknown>> };

/** The calls about one answer, and how what comes back is read. */
export interface Asking {
  readonly questions: readonly ChatQuestion[];
  /** Takes a text for each question. Never throws. */
  readonly read: (...texts: readonly string[]) => Reading;
}

/** The text of a prompt, filled in by position: what is filled in is never looked at, so no answer is a template. */
export function userPrompt(...lines: readonly string[]): ChatQuestion {
  return { messages: [{ role: 'user', content: lines.join('\n') }] };
}
