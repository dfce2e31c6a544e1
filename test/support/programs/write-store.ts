/** Writes numbered batches into the store in argv[2] and prints each number once it is durable, until it is killed or a write fails. */
import { openStore } from '../../../shared/store/level.ts';

const store = await openStore(process.argv[2] ?? '');
for (let number = 0; ; number += 1) {
  const keys = ['a', 'b', 'c'].map((name) => `${String(number).padStart(8, '0')}/${name}`);
  try {
    await store.write('results', [
      ...keys.map((key) => ({ table: 'sample', key, value: number })),
      ...keys.map((key) => ({ table: 'verdict', key, value: number })),
    ]);
    process.stdout.write(`${number}\n`);
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : ''}\n`);
    if (number > 3) break;
  }
}
