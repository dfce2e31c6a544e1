/** The program tinylm: a small language model, trained and served on the CPU. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { serve, type ServeOptions } from './serve/serve.ts';
import { train } from './train/program.ts';

const integer = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It must be an integer from ${min} to ${max}.`);
};

const STOPPED = 143;

const program = new Command('tinylm').description(
  'A small decoder-only language model, trained and served on the CPU.',
);

program
  .command('train')
  .description('Train by a spec; writes progress.jsonl, state/ and train_result.json beside it.')
  .argument('<spec.json>', 'the job to run, or to go on with')
  .option(
    '--workers <n>',
    'threads; they change the speed, not the result',
    integer(1, 64),
    Math.min(4, availableParallelism()),
  )
  .addHelpText('after', '\nExits with 0 when completed, 1 when failed, 143 after SIGTERM.')
  .action(async (spec: string, { workers }: { workers: number }) => {
    const stop = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'])
      process.once(signal, () => {
        stop.abort();
      });
    const ending = await train(resolve(spec), { workers, signal: stop.signal });
    if (ending.kind === 'failed') process.stderr.write(`tinylm train: ${ending.message}\n`);
    process.exitCode = { completed: 0, failed: 1, stopped: STOPPED }[ending.kind];
  });

program
  .command('serve')
  .description('Serve checkpoints by an OpenAI-compatible completions API, until SIGTERM.')
  .option('--port <port>', 'port to listen on, 0 for a free one', integer(0, 65_535), 0)
  .option('--host <host>', 'address to listen on', '127.0.0.1')
  .option(
    '--workers <n>',
    'threads of each model',
    integer(1, 64),
    Math.min(4, availableParallelism()),
  )
  .addHelpText(
    'after',
    `
Prints {"event":"listening","url":"…"} once it listens. Then:
  POST   /v1/models {"id","path"}   load a checkpoint folder under a name
  POST   /v1/completions            model, prompt, n, max_tokens, temperature, top_k, seed, stop, logprobs
  GET    /v1/models, /health        what is loaded, tokens so far
  DELETE /v1/models/<id>            unload`,
  )
  .action(async (options: ServeOptions) => {
    await serve(options);
  });

try {
  await program.parseAsync();
  process.exit(); // an open IPC channel must not hold it
} catch (error) {
  process.stderr.write(`tinylm: ${(error as Error).message}\n`);
  process.exit(1);
}
