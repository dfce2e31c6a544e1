import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../../shared/contract/failure.ts';
import { packageRoot } from '../../local/paths.ts';
import { type EngineName, engines, type SizeName } from './engines.ts';

/** The demo's run file and world at full size, or those of the drills for a quick look at the whole chain. */
const sizes = {
  full: { file: 'reset.yaml', world: 'demo' },
  small: { file: 'drill.yaml', world: 'drill' },
} as const satisfies Record<SizeName, object>;

export interface ReproduceArguments {
  engine: EngineName;
  size: SizeName;
  /** The run file in `deploy/demo` that all runs are derived from, and the size of its world. */
  demo: (typeof sizes)[SizeName];
  seeds: number[];
  /** A file of habits instead of the world's own. */
  habits: string | undefined;
  vocabulary: number;
  /** Absolute. */
  state: string;
  /** Where the table goes as Markdown, besides stdout. */
  out: string | undefined;
  fresh: boolean;
  json: boolean;
  help: boolean;
}

const folders = {
  tinylm: '.reset-loop-reproduce',
  deepspeed: '.reset-loop-reproduce-deepspeed',
} as const satisfies Record<EngineName, string>;

export const usage = `npm run reproduce -- [options]   the paper's Table 4 in small, with controls; the same command goes on after any end

  --engine <name>       tinylm, or deepspeed: a Llama that DeepSpeed trains and vLLM serves on the CPU, for RESET and its control alone
  --seeds <a,b,c>       seeds of worlds and runs (default 1,2,3; deepspeed 101)
  --habits <file.json>  {factor, remark: {city, job, food, pet}, alias: {…}, lazy}: another table of annotators' habits
  --vocabulary <seed>   another world of words (default 0, the English-like one)
  --size full|small     small: the drills' world and model, one seed, to see the whole chain quickly; it shows no effect
  --out <file.md>       write the table there too
  --json                one event a line on stdout; the last line is the whole table
  --state <folder>      where everything is kept (default .reset-loop-reproduce; deepspeed .reset-loop-reproduce-deepspeed)
  --fresh               forget what is there and begin anew
  --help                this text

Exit codes: 0 the table is made, whatever it says; 1 failed, start again to go on; 2 wrong arguments; 129/130/143 ended by a signal.
`;

/** Reads the arguments behind \`npm run reproduce --\`; throws a message for the user. */
export function readArguments(args: readonly string[]): ReproduceArguments {
  const { values } = parse(args);
  const { engine, size, vocabulary, seeds } = values;
  if (!isEngine(engine))
    throw new Error(`--engine ${engine}: there are ${Object.keys(engines).join(', ')}`);
  if (!isSize(size)) throw new Error(`--size ${size}: there are ${Object.keys(sizes).join(', ')}`);
  if (!/^\d{1,9}$/.test(vocabulary))
    throw new Error(`--vocabulary ${vocabulary} is not a whole number of at most 9 digits`);
  return {
    engine,
    size,
    demo: sizes[size],
    seeds: seeds === undefined ? [...engines[engine].seeds[size]] : readSeeds(seeds),
    habits: values.habits,
    vocabulary: Number(vocabulary),
    state: resolve(
      ...(values.state === undefined ? [packageRoot, folders[engine]] : [values.state]),
    ),
    out: values.out === undefined ? undefined : resolve(values.out),
    fresh: values.fresh === true,
    json: values.json === true,
    help: values.help === true,
  };
}

function readSeeds(text: string): number[] {
  const seeds = text.split(',');
  if (!seeds.every((seed) => /^\d{1,9}$/.test(seed)) || new Set(seeds).size < seeds.length)
    throw new Error(`--seeds ${text}: give different whole numbers, such as 7,8,9`);
  return seeds.map(Number);
}

function isEngine(engine: string): engine is EngineName {
  return Object.hasOwn(engines, engine);
}

function isSize(size: string): size is SizeName {
  return Object.hasOwn(sizes, size);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        engine: { type: 'string', default: 'tinylm' },
        seeds: { type: 'string' },
        habits: { type: 'string' },
        vocabulary: { type: 'string', default: '0' },
        size: { type: 'string', default: 'full' },
        out: { type: 'string' },
        json: { type: 'boolean' },
        state: { type: 'string' },
        fresh: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new Error(messageOf(error), { cause: error });
  }
}
