/**
 * How much of a model server the sampler uses: `npm run bench:sampler -- [--kinds grid,again,greedy] [--slots 16,64,256] [--latencies 2000,500]
 * [--servers 1,2] [--waves 12] [--json]`. A server of fixed speed is asked for the same samples by node:http, by the sampler and by the client `openai`, one after the
 * other; the machine's load is printed. "Of raw" compares the tokens that the servers wrote in the middle half of each run; the whole run has
 * the sampler's start in it, which finds out how much the server takes, and proves what it serves.
 *
 * With two units in hand (8 examples each where an answer may have 480 tokens) the ratio was 0.81 at 64 slots, 0.29 at 256, and 0.58 and 0.15 for
 * one greedy answer an example. A sample takes 2.5 to 4.5 ms of the sampler's processor time, as in the client `openai` alone, so on a
 * busy machine both fall behind where more than some ten samples a second come.
 */
import { carryOut } from '../../../shared/process/command-line.ts';
import { machineNow, readCounts, readNames, say } from '../bench.ts';
import { measurePoint, type Point } from './point.ts';
import { pointsTable } from './report.ts';
import { kinds } from './workload.ts';

const usage = `usage: npm run bench:sampler -- [options]
  --kinds grid,again,greedy   what is sampled: seven settings an example, seven with repetitions, one greedy answer
  --slots 16,64,256           sequences that a server runs at once; the other sources have as many requests in flight
  --latencies 2000,500        of a sample in the mean, in ms
  --servers 1                 how many there are
  --waves 12                  samples for each slot
  --json                      one JSON object instead of a table
`;

await carryOut(
  {
    usage,
    options: {
      kinds: { type: 'string', default: kinds.join(',') },
      slots: { type: 'string', default: '16,64,256' },
      latencies: { type: 'string', default: '2000,500' },
      servers: { type: 'string', default: '1' },
      waves: { type: 'string', default: '12' },
      json: { type: 'boolean', default: false },
    },
  },
  async (values) => {
    const points: Point[] = [];
    const [waves = 0] = readCounts('waves', values.waves);
    for (const kind of readNames('kind', values.kinds, kinds))
      for (const servers of readCounts('servers', values.servers))
        for (const slots of readCounts('slots', values.slots))
          for (const latencyMs of readCounts('latencies', values.latencies)) {
            say(`${kind}, ${servers} x ${slots} slots, ${latencyMs} ms`);
            points.push(await measurePoint({ kind, slots, latencyMs, servers }, waves));
          }
    const machine = machineNow();
    const end = `${machine.cores} cores, load ${machine.load.toFixed(1)} at the end`;
    const report = values.json
      ? JSON.stringify({ machine, points })
      : `${pointsTable(points)}\n${end}`;
    process.stdout.write(`${report}\n`);
    return 0;
  },
);
