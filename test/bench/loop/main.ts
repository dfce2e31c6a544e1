/**
 * How fast the loop is where no model is slow, beside what the machine can do at once: `npm run bench -- [--parts a,b,c,memory,resume]
 * [--durability default,always] [--repeats 3] [--json]`. Each ratio is of figures taken one after the other; the machine's load is printed.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { PermanentError } from '../../../shared/contract/failure.ts';
import { unknownName } from '../../../shared/contract/problems.ts';
import { measureDefaultUnits, measureSingleUnits } from './bus-path.ts';
import type { Durability } from './cluster.ts';
import { type Memory, measureMemory, measureResume, type Resume } from './curator-memory.ts';
import { measureHttp } from './http.ts';
import { type Part, partOf, reportOf } from './report.ts';

const RESUME_CANDIDATES = 50_000;
const MEMORY_CANDIDATES = [10_000, 100_000];

const measurements = [
  {
    name: 'a',
    part: '(a) bus path, default units',
    unit: 'candidates',
    beside: 'aim',
    aim: 1,
    measure: measureDefaultUnits,
  },
  {
    name: 'b',
    part: '(b) units of one candidate',
    unit: 'messages',
    beside: 'raw JetStream',
    aim: 0.5,
    measure: measureSingleUnits,
  },
  {
    name: 'c',
    part: '(c) instant HTTP server',
    unit: 'candidates',
    beside: 'bare openai loop',
    aim: 0.9,
    measure: measureHttp,
  },
] as const;

const usage = `usage: npm run bench -- [options]
  --parts a,b,c,memory,resume     which to measure; all without it
  --durability default,always     of nats-server, for a, b and c; both without it
  --repeats <n>                   measured rounds of each, after one that warms up; 3 without it
  --json                          one JSON object instead of tables
`;

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: 'a,b,c,memory,resume' },
    durability: { type: 'string', default: 'default,always' },
    repeats: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

try {
  if (values.help) process.stdout.write(usage);
  else await run(readParts(), readDurabilities(), readRepeats());
} catch (error) {
  if (!(error instanceof PermanentError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

function say(text: string): void {
  process.stderr.write(`${text} (load ${loadavg()[0]?.toFixed(1) ?? 'unknown'})\n`);
}

async function run(
  wanted: readonly string[],
  durabilities: readonly Durability[],
  repeats: number,
): Promise<void> {
  const parts: Part[] = [];
  for (const { name, measure, ...described } of measurements) {
    if (!wanted.includes(name)) continue;
    for (const durability of durabilities) {
      say(`${described.part}, ${durability}`);
      parts.push(partOf({ ...described, durability }, await measure(durability, repeats)));
    }
  }
  const memory: Memory[] = [];
  for (const candidates of wanted.includes('memory') ? MEMORY_CANDIDATES : []) {
    say(`memory, ${candidates} candidates`);
    memory.push(await measureMemory(candidates));
  }
  const resume: Resume[] = [];
  for (let time = 0; time < repeats && wanted.includes('resume'); time++) {
    say('resume');
    resume.push(await measureResume(RESUME_CANDIDATES));
  }
  const machine = { cores: availableParallelism(), load: loadavg()[0] ?? Number.NaN };
  const figures = { machine, parts, memory, resume };
  process.stdout.write(`${values.json ? JSON.stringify(figures) : reportOf(figures)}\n`);
}

function readParts(): string[] {
  const known = [...measurements.map(({ name }) => name), 'memory', 'resume'];
  const wanted = values.parts.split(',');
  const unknown = wanted.find((part) => !known.includes(part));
  if (unknown === undefined) return wanted;
  throw new PermanentError(unknownName('part', unknown, known));
}

function readDurabilities(): Durability[] {
  return values.durability.split(',').map((name) => {
    if (name === 'default' || name === 'always') return name;
    throw new PermanentError(unknownName('durability', name, ['default', 'always']));
  });
}

function readRepeats(): number {
  const repeats = Number(values.repeats);
  if (Number.isInteger(repeats) && repeats > 0) return repeats;
  throw new PermanentError(`--repeats ${values.repeats}: give a whole number from 1`);
}
