import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { RunFile } from '../../shared/contract/run-file.ts';
import { CurateOutcome } from '../../shared/contract/steps.ts';
import { curatorClient, readStream, unary } from '../../shared/rpc/client.ts';
import { writeRun } from '../support/curated-run.ts';
import { startCurator } from '../support/curator.ts';
import { startInstantModelServer, textFor } from '../support/instant-model-server.ts';
import { startNats } from '../support/nats.ts';
import { publish } from '../support/published-checkpoint.ts';
import { startRole } from '../support/role.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { signal } = new AbortController();

/** Opens a run and its first round at a curator, and curates it. */
async function curateFirstRound(
  address: string,
  file: RunFile,
  incumbent: string,
): Promise<CurateOutcome> {
  const client = curatorClient(address);
  onTestFinished(() => {
    client.close();
  });
  const options = { deadlineMs: 10_000, signal };
  const { run } = file;
  await unary(client.openRun.bind(client), { runFile: JSON.stringify(file) }, options);
  const fact = JSON.stringify({ fact: 'round.opened', step: 'r1', round: 1, incumbent });
  await unary(client.appendFact.bind(client), { run, expectedLength: 1, fact }, options);
  await unary(client.startCurate.bind(client), { run, step: 'r1', attempt: 0 }, options);
  const watch = readStream(() => client.watch({ run, step: 'r1', task: 'curate' }), { signal });
  for await (const { outcome } of watch)
    if (outcome !== undefined) return CurateOutcome.parse(JSON.parse(outcome));
  throw new Error('the stream ended without an outcome');
}

test('sampler and judges fill a round that a curator planned', async () => {
  await using folder = await temporaryFolder();
  await using nats = await startNats();
  await using server = await startInstantModelServer();
  const prompt = 'one two three';
  const probe = [
    { prompt, tokens: [1], text: textFor({ model: '', prompt, temperature: 0 }), logprobs: [0] },
  ];
  const checkpoint = await publish(
    join(folder.path, 'checkpoints'),
    { 'config.json': '{}' },
    probe,
  );
  const where = { natsUrl: nats.url, folder: folder.path };
  await using curator = await startCurator({
    natsUrl: nats.url,
    state: join(folder.path, 'curator'),
  });
  await using _sampler = await startRole('sampler', {
    ...where,
    peer: 'sampler-1',
    modelServer: server.url,
  });
  await using _judge = await startRole('judge', { ...where, peer: 'judge-1' });
  const file = writeRun(join(folder.path, 'data'), { rows: 40 });

  const outcome = await curateFirstRound(curator.grpc, file, checkpoint);

  expect(outcome).toMatchObject({ candidates: { planned: 560, scored: 560, unscored: {} } });
  expect(server.loads).toEqual([`reset-test-${checkpoint.slice(0, 8)}`]);
});
