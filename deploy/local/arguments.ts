import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../shared/contract/failure.ts';
import { packageRoot } from './paths.ts';

/** A run that can be started without a word more: its run file in `deploy/demo`, the size of its world, its state folder. */
interface Preset {
  file: string;
  size: string;
  state: string;
}

const presets = {
  demo: { file: 'reset.yaml', size: 'demo', state: '.reset-loop' },
  control: { file: 'control.yaml', size: 'demo', state: '.reset-loop-control' },
  drill: { file: 'drill.yaml', size: 'drill', state: '.reset-loop-drill' },
} as const satisfies Record<string, Preset>;

/** A run file of the user's, and what the server and trainer names in it stand for. Absolute paths. */
export interface OwnRun {
  file: string;
  profiles: string | undefined;
}

export interface StartArguments {
  preset: Preset;
  /** In place of the preset's. */
  own: OwnRun | undefined;
  /** Absolute. */
  state: string;
  /** Replaces the run file's seed. */
  seed: number | undefined;
  fresh: boolean;
  json: boolean;
  help: boolean;
}

export const usage = `npm start -- [options]        start the demo, go on with it, or look on beside a running one

  --fresh             forget what is there and begin anew
  --control           the control run: a random candidate is kept, same counts
  --seed <n>          another seed for world and run (default 101)
  --state <folder>    where everything is kept (default .reset-loop; the control .reset-loop-control)
  --file <run file>   a run file of your own in place of the demo's; paths in it are relative to it
  --profiles <file>   its model servers, trainers, providers, NLI models and scorers by name
  --json              one event a line on stdout
  --preset <name>     demo, control or drill
  --help              this text

Environment: NATS_URL uses a running nats-server; RESET_NATS_PORT fixes the port of our own; RESET_NATS_SYNC=always
survives power loss too; RESET_LOG_LEVEL sets what the peers log into <state>/logs.
Exit codes: 0 finished, 1 failed, 2 wrong arguments, 3 the run is paused, 4 nothing answers, 129/130/143 ended by a signal.
`;

/** Reads the arguments behind \`npm start --\`; throws a message for the user. */
export function readArguments(args: readonly string[]): StartArguments {
  const { values } = parse(args);
  const own = readOwnRun(values);
  const name = values.control === true ? 'control' : (values.preset ?? 'demo');
  if (!isPreset(name)) {
    throw new Error(`--preset ${name}: there are ${Object.keys(presets).join(', ')}`);
  }
  if (values.seed !== undefined && !/^\d{1,9}$/.test(values.seed)) {
    throw new Error(`--seed ${values.seed} is not a whole number of at most 9 digits`);
  }
  const preset = presets[name];
  return {
    preset,
    own,
    state: values.state === undefined ? resolve(packageRoot, preset.state) : resolve(values.state),
    seed: values.seed === undefined ? undefined : Number(values.seed),
    fresh: values.fresh === true,
    json: values.json === true,
    help: values.help === true,
  };
}

function readOwnRun(values: ReturnType<typeof parse>['values']): OwnRun | undefined {
  const { file, profiles, control, preset, seed } = values;
  if (file === undefined) {
    if (profiles !== undefined)
      throw new Error('--profiles goes with a run file of your own: add --file <run file>');
    return undefined;
  }
  const demo = Object.entries({ control, preset, seed }).find(([, value]) => value !== undefined);
  if (demo !== undefined)
    throw new Error(`--${demo[0]} is of the demo: leave it out, or leave --file out`);
  return { file: resolve(file), profiles: profiles === undefined ? undefined : resolve(profiles) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        fresh: { type: 'boolean' },
        control: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        seed: { type: 'string' },
        state: { type: 'string' },
        preset: { type: 'string' },
        file: { type: 'string' },
        profiles: { type: 'string' },
      },
    });
  } catch (error) {
    throw new Error(messageOf(error), { cause: error });
  }
}

function isPreset(name: string): name is keyof typeof presets {
  return Object.hasOwn(presets, name);
}
