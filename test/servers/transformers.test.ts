import { describe } from 'vitest';
import { python } from '../support/real-models.ts';
import { describeServer } from '../support/server-contract.ts';

describe('transformers serve', () => {
  describeServer({
    driver: 'transformers',
    command: [
      'env',
      'OMP_NUM_THREADS=1',
      'HF_HUB_OFFLINE=1',
      python,
      ...'-m transformers.cli.transformers serve {checkpoint} --host {host} --port {port} --device cpu --dtype float32'.split(
        ' ',
      ),
    ],
    // It sets one seed for all requests at work.
    seeds: false,
    processes: 2,
  });
});
