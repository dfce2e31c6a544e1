/** Tests run on the compiled tree, the only way code runs here. `npm run build` comes first. */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import { takeTemporaryRoot } from './test/support/temporary-root.mjs';

// Before vitest makes a folder of its own there.
takeTemporaryRoot();

const suite = (name, extra = {}) => ({
  test: {
    name,
    include: [`dist/test/${name}/**/*.test.js`],
    environment: 'node',
    // What is waited for comes at once on a quiet machine; a loaded one takes seconds.
    expect: { poll: { timeout: 15_000 } },
    ...extra,
  },
});

/** What takes longest begins first, so that nothing is left to wait for in the end. */
class LongestFirst extends BaseSequencer {
  async sort(files) {
    const isLong = ({ project }) => ['e2e', 'simulation'].includes(project.name);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // On two cores vitest would take one: half of what these tests do is wait.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      // Files that share their modules take a third of the time, and a fifth less where they start processes.
      suite('unit', { testTimeout: 20_000, isolate: false }),
      suite('integration', { testTimeout: 60_000, hookTimeout: 60_000, isolate: false }),
      suite('simulation', { testTimeout: 60_000 }),
      suite('e2e', { testTimeout: 240_000, hookTimeout: 60_000 }),
      suite('drills', {
        testTimeout: 1_200_000,
        hookTimeout: 60_000,
        fileParallelism: false,
        globalSetup: ['dist/test/support/drill/undisturbed.js'],
      }),
      // As integration, with minutes of limits, kills and queues that a change need not wait for.
      suite('endurance', { testTimeout: 120_000, hookTimeout: 60_000 }),
      suite('golden', { testTimeout: 120_000 }),
      suite('reproduce', { testTimeout: 900_000 }),
      suite('deepspeed', { testTimeout: 900_000 }),
      suite('servers', {
        testTimeout: 900_000,
        hookTimeout: 60_000,
        fileParallelism: false,
        globalSetup: ['dist/test/support/real-models.js'],
      }),
      // By hand: a run of half an hour, with real rows, DeepSpeed and vLLM.
      suite('public-data', { testTimeout: 3_600_000 }),
    ],
  },
});
