/** An instant model server as a process of its own: `fork(program)`; sends its URL, and ends with its parent. */
import { completionOf, startInstantModelServer } from '../../support/instant-model-server.ts';
import { sha256 } from '../../../shared/contract/ids.ts';
import { textOf } from './workload.ts';

process.on('disconnect', () => process.exit(0));

const server = await startInstantModelServer();
server.answerWith(({ model, prompt, seed = 0 }) => ({
  body: completionOf(model, textOf(sha256(`${seed} ${prompt}`).slice(0, 32))),
}));
process.send?.(server.url);
