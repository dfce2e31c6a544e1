import { describe } from 'vitest';
import { programOf, python } from '../support/real-models.ts';
import { describeServer } from '../support/server-contract.ts';

describe('llama-server', () => {
  describeServer({
    driver: 'llamacpp',
    command: [
      python,
      programOf('llama_server.py'),
      ...'{checkpoint} --alias {name} --host {host} --port {port} --metrics --parallel 8 --ctx-size 2048 --threads 1'.split(
        ' ',
      ),
    ],
    seeds: true,
    processes: 2,
  });
});
