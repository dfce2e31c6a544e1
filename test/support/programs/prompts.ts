/**
 * `prompts.js <JSON>`: what the agents make of one example, for tests in Python: the prompt as curator and sampler send it, for a round and for
 * an evaluation; the row that is trained on; and of a chat what ready rows become, and what the trainer shows to its program.
 */
import { renderReady, renderTurn } from '../../../agents/curator/dataset/template.ts';
import { sampleUnit } from '../../../agents/curator/plan/requests.ts';
import { dialects } from '../../../agents/sampler/servers/dialects.ts';
import { bodyOf } from '../../../agents/sampler/servers/engine.ts';
import { specOfChat } from '../../../agents/trainer/checkpoint/chat.ts';
import { readChatTemplate } from '../../../shared/chat/read.ts';
import { digestOf } from '../../../shared/contract/ids.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import type { TrainingRow } from '../../../shared/contract/training.ts';
import { makeExample, makeRunFile } from '../run.ts';

interface Given {
  readonly template: RunFile['model']['template'];
  /** Of the model, for template `chat`. */
  readonly folder?: string;
  readonly context: string;
  readonly turns: TrainingRow['turns'];
}

const { template, folder, context, turns } = JSON.parse(process.argv[2] ?? '') as Given;
const chat = folder === undefined ? undefined : readChatTemplate(folder);
const file = makeRunFile({
  model: { base: 'scratch', template, ...(chat === undefined ? {} : { chat }) },
});
const example = makeExample({ context });

function sent(split: 'train' | 'dev') {
  const unit = { unit: `r1-${split}-s0000`, split, dataset: 'span', examples: [example.id] };
  const request = { candidate: example.id, cells: ['t'], temperature: 0, topK: 0, seed: 1 };
  const { servedName, maxTokens, stop, items } = sampleUnit(
    file,
    digestOf('a checkpoint'),
    unit,
    [example],
    () => [request],
  );
  return items.map(({ prompt }) =>
    bodyOf(
      { model: servedName, prompt, ...request, maxTokens, stop, logprobs: false },
      1,
      dialects.vllm,
    ),
  )[0];
}

const said = {
  sampled: sent('train'),
  evaluated: sent('dev'),
  trained: renderTurn(file.model, example, 'Oslo'),
  turns: renderReady(file.model, turns),
  ...(chat === undefined ? {} : { chat: specOfChat(chat), end: chat.end }),
};
process.stdout.write(`${JSON.stringify(said)}\n`);
