import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Role } from '../../shared/contract/peer.ts';
import { answers } from './answers.ts';
import { cache, type CacheOptions } from './cache.ts';
import { DEFAULT_STATE } from './closer-look.ts';
import { control, type Control } from './control.ts';
import { doctor } from './doctor.ts';
import { estimate } from './estimate.ts';
import { exits, reportFailure } from './exit.ts';
import { endWithReader, exitWith } from './output.ts';
import { judgeCheck, type JudgeCheckOptions } from './judge-check.ts';
import { peer, roles, type PeerOptions } from './peer.ts';
import { recurate, type RecurateOptions } from './recurate.ts';
import { report, type ReportOptions } from './report.ts';
import { run } from './run.ts';
import { score, type ScoreOptions } from './score.ts';
import { status } from './status.ts';
import { verify } from './verify.ts';
import { watch } from './watch.ts';
import { why } from './why.ts';

const help = `
Exit codes: 0 done; 1 failed, the message says why; 2 wrong usage or a bad file; 3 the run is paused; 4 nothing runs here that could answer.
Examples:
  npm start                                      the demo: a local cluster and a run of a few rounds
  npx reset-loop run my-run.yaml                 start or go on with a run on a running cluster
  npx reset-loop peer --role judge               one more judge on the bus
  npx reset-loop why 3f9a                        why a candidate of the example 3f9a… won`;

interface Common {
  state: string;
  nats?: string;
  json: boolean;
}

const stop = new AbortController();
process.once('SIGINT', () => {
  stop.abort();
});
process.once('SIGTERM', () => {
  stop.abort();
});
process.once('disconnect', () => {
  stop.abort();
});

endWithReader();
const program = new Command('reset-loop')
  .description('Iterative RESET: sample, judge, keep the best, fine-tune, evaluate, decide, repeat')
  .addHelpText('after', help)
  .exitOverride();

let code: number = exits.done;

/** A command on a cluster: found by its state folder, or by a NATS URL. */
function command(usage: string, description: string): Command {
  return program
    .command(usage)
    .description(description)
    .option('--state <folder>', 'state of the local cluster', DEFAULT_STATE)
    .option('--nats <url>', 'a bus somewhere else (default: RESET_NATS_URL, or the local cluster)')
    .option('--json', 'JSON instead of text', false);
}

command('run <file>', 'start the run of a run file, or go on with it, and follow it to its end')
  .option('--detach', 'do not follow', false)
  .option('--profiles <file>', 'model servers to check the file against (default: RESET_PROFILES)')
  .action(async (file: string, options: Common & { detach: boolean; profiles?: string }) => {
    code = await run(file, options, stop.signal);
  });

command(
  'estimate <file>',
  'what the judges of a run file that ask a model may cost: calls, tokens and dollars, before anything is asked',
)
  .option('--profiles <file>', 'prices of the providers’ models (default: RESET_PROFILES)')
  .action(async (file: string, options: Common & { profiles?: string }) => {
    code = await estimate(file, options, stop.signal);
  });

command('status', 'the runs, what they wait for, and the peers').action(async (options: Common) => {
  code = await status(options, stop.signal);
});

command('watch [run]', 'follow a run; one that has finished is shown').action(
  async (name: string | undefined, options: Common) => {
    code = await watch(name, options, stop.signal);
  },
);

const controls: [Control, string][] = [
  ['pause', 'begin no further step'],
  ['resume', 'go on; what was unscored or failed is tried again'],
  ['stop', 'end the run with its best round so far'],
];
for (const [action, description] of controls) {
  command(`${action} [run]`, description).action(
    async (name: string | undefined, options: Common) => {
      code = await control(action, name, options, stop.signal);
    },
  );
}

command(
  'why [example]',
  'one example, by its id or the start of it: prompt, candidates, verdicts, arithmetic, winner; without one, an example of the last round',
)
  .option('--run <run>', 'the run, where there are several')
  .action(async (example: string | undefined, options: Common & { run?: string }) => {
    code = await why(example ?? '', options, stop.signal);
  });

command(
  'report',
  'scores, decisions, answer lengths, decoding settings, what judging cost and every digest of a run, as Markdown',
)
  .option('--out <file>', 'write it into a file')
  .option('--run <run>', 'the run, where there are several')
  .action(async (options: Common & ReportOptions) => {
    code = await report(options, stop.signal);
  });

command(
  'recurate <round>',
  'a round’s dataset with other weights, from its candidates and verdicts: what would have been kept',
)
  .requiredOption('--weights <axis=weight,…>', 'such as task=1,instruction=2,faithfulness=2')
  .option('--select <keys>', 'other keys of select, as in a run file: "{ ties: majority }"', '{}')
  .option('--out <folder>', 'write the dataset into this folder')
  .option('--run <run>', 'the run, where there are several')
  .action(async (round: string, options: Common & RecurateOptions) => {
    code = await recurate(round, options, stop.signal);
  });

command(
  'answers <round>',
  'the greedy answers of a round to the dev and test rows, with their values, one line of JSON each; round 0 is the start',
)
  .option('--run <run>', 'the run, where there are several')
  .action(async (round: string, options: Common & { run?: string }) => {
    code = await answers(round, options, stop.signal);
  });

program
  .command('score <rows>')
  .description('judge the rows of a JSONL file offline, one line of JSON a row')
  .requiredOption('--judge <type>', 'the judge’s type')
  .option('--set <key=value>', 'an option of the judge, may be repeated', collect, [])
  .option(
    '--profiles <file>',
    'providers, NLI models and scorers by name (default: RESET_PROFILES)',
  )
  .option('--json', 'the output is JSON lines either way', true)
  .action(async (rows: string, options: ScoreOptions) => {
    code = await score(rows, options, stop.signal);
  });

program
  .command('judge')
  .description('look into a judge by itself')
  .command('check <type>')
  .description(
    'does a judge measure what it claims? Its agreement with people, and with planted errors',
  )
  .option('--rows <file>', 'rows with answer and label in [0, 1] (default: passages of our own)')
  .option('--set <key=value>', 'an option of the judge, may be repeated', collect, [])
  .option(
    '--profiles <file>',
    'providers, NLI models and scorers by name (default: RESET_PROFILES)',
  )
  .option('--save', 'keep it in the state folder, for report', false)
  .option('--state <folder>', 'state of the local cluster', DEFAULT_STATE)
  .option('--json', 'JSON instead of a table', false)
  .action(async (type: string, options: JudgeCheckOptions) => {
    code = await judgeCheck(type, options, stop.signal);
  });

program
  .command('verify <folder>')
  .description(
    'is a published checkpoint what its name says? Manifest, sizes, hashes, safetensors only',
  )
  .option('--json', 'JSON instead of text', false)
  .action(async (folder: string, options: { json: boolean }) => {
    code = await verify(folder, options, stop.signal);
  });

const caches = program
  .command('cache')
  .description('the verdicts that a judge has kept; stop its peer first');

function cacheCommand(name: string, description: string): Command {
  return caches
    .command(name)
    .description(description)
    .option('--state <folder>', 'state of the local cluster', DEFAULT_STATE)
    .option('--peer <name>', 'the judge', 'judge-1')
    .option('--json', 'JSON instead of a table', false);
}

cacheCommand('explain', 'how many verdicts of which fingerprints, and how large').action(
  async (options: CacheOptions) => {
    code = await cache('explain', [], options, stop.signal);
  },
);

cacheCommand('prune', 'remove the verdicts of all other fingerprints')
  .requiredOption('--keep <fingerprint...>', 'fingerprints that stay, or their beginnings')
  .action(async (options: CacheOptions & { keep: string[] }) => {
    code = await cache('prune', options.keep, options, stop.signal);
  });

command('peer', 'join a running bus with one role')
  .addOption(new Option('--role <role>', 'what the peer does').choices(roles).makeOptionMandatory())
  .option('--name <id>', 'name of the peer (default: role, host and process)')
  .option('--judge <name...>', 'of a judge: the only judges of the run files to work for')
  .option(
    '--profiles <file>',
    'model servers, trainers, providers, NLI models and scorers of this machine',
  )
  .option('--checkpoints <folder>', 'folder of published checkpoints')
  .action(async (options: PeerOptions & { role: Role }) => {
    code = await peer(options.role, options, stop.signal);
  });

command('doctor', 'what this machine and the trainers have and lack').action(
  async (options: Common) => {
    code = await doctor(options, stop.signal);
  },
);

function collect(value: string, earlier: string[]): string[] {
  if (!value.includes('=')) throw new InvalidArgumentError('give it as key=value');
  return [...earlier, value];
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) code = error.exitCode === 0 ? exits.done : exits.usage;
  else if (stop.signal.aborted) code = 130;
  else code = reportFailure(error, process.argv.includes('--json'));
}
await exitWith(code, stop.signal);
