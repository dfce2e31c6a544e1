/** A process with the life cycle of every role; argv[2] says how its body behaves. */
import { setTimeout } from 'node:timers/promises';
import { runProcess } from '../../../shared/process/life.ts';
import { onAbort } from '../../../shared/process/signal.ts';

const behaviour = process.argv[2] ?? '';

await runProcess('judge', async ({ signal, log, defer }) => {
  defer('first', () => {
    log.info('closed first');
  });
  defer('second', async () => {
    await setTimeout(5);
    log.info('closed second');
    if (behaviour === 'close fails') throw new Error('cannot close');
  });
  log.info('ready');
  switch (behaviour) {
    case 'throws':
      throw new Error('no such ledger');
    case 'ends':
      return;
    case 'hangs':
      await new Promise(() => undefined);
      return;
    case 'sleeps':
      await setTimeout(60_000, undefined, { signal });
      return;
    default:
      await new Promise<void>((resolve) => {
        onAbort(signal, resolve);
      });
      log.info('unit in hand is done');
  }
});
