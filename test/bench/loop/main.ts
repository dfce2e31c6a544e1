/**
 * How fast the loop is where no model is slow, beside what the machine can do at once: `npm run bench -- [--parts a,b,c,memory,resume]
 * [--durability default,always] [--repeats 3] [--json]`. Each ratio is of figures taken one after the other; the machine's load is printed.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { measureDefaultUnits, measureSingleUnits } from './bus-path.ts';
import type { Durability } from './cluster.ts';
import { measureMemory, measureResume } from './curator-memory.ts';
import { measureHttp } from './http.ts';
import { cpuTableOf, memoryText, type Part, partOf, resumeText, tableOf } from './report.ts';

const RESUME_CANDIDATES = 50_000;

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

if (values.help) process.stdout.write(usage);
else await run();

function say(text: string): void {
  process.stderr.write(`${text} (load ${loadavg()[0]?.toFixed(1) ?? 'unknown'})\n`);
}

async function run(): Promise<void> {
  const wanted = values.parts.split(',');
  const repeats = Number(values.repeats);
  const parts: Part[] = [];
  for (const { name, measure, ...described } of measurements) {
    if (!wanted.includes(name)) continue;
    for (const durability of readDurabilities()) {
      say(`${described.part}, ${durability}`);
      parts.push(partOf({ ...described, durability }, await measure(durability, repeats)));
    }
  }
  const memory = [];
  for (const candidates of wanted.includes('memory') ? [10_000, 100_000] : []) {
    say(`memory, ${candidates} candidates`);
    memory.push(await measureMemory(candidates));
  }
  const resume = [];
  for (let time = 0; time < repeats && wanted.includes('resume'); time++) {
    say('resume');
    resume.push(await measureResume(RESUME_CANDIDATES));
  }
  const machine = { cores: availableParallelism(), load: loadavg()[0] };
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, parts, memory, resume })}\n`);
  else {
    const tables = parts.length > 0 ? [tableOf(parts), cpuTableOf(parts)] : [];
    const lines = [...memory.map(memoryText), ...(resume.length > 0 ? [resumeText(resume)] : [])];
    process.stdout.write([...tables, ...lines, ''].join('\n'));
  }
}

function readDurabilities(): Durability[] {
  return values.durability.split(',').map((name) => {
    if (name === 'default' || name === 'always') return name;
    throw new Error(`--durability ${name}: default or always`);
  });
}
