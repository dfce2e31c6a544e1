/** `npm start`: a whole cluster on this machine, and the demo's run in it. */
import { constants } from 'node:os';
import { messageOf } from '../../shared/contract/failure.ts';
import { type StartArguments, readArguments, usage } from './arguments.ts';
import { start } from './start.ts';

const soft = new AbortController();
const hard = new AbortController();
let endedBy: NodeJS.Signals | undefined;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    (endedBy === undefined ? soft : hard).abort();
    endedBy ??= name;
  });
}

function say(line: string): void {
  process.stderr.write(`reset-loop: ${line}\n`);
}

async function main(args: StartArguments): Promise<number> {
  try {
    const code = await start(args, process.env, say, { soft: soft.signal, hard: hard.signal });
    return endedBy === undefined ? code : 128 + constants.signals[endedBy];
  } catch (error) {
    if (endedBy !== undefined) return 128 + constants.signals[endedBy];
    say(messageOf(error));
    return 1;
  }
}

function argumentsOrUsage(): StartArguments | undefined {
  try {
    return readArguments(process.argv.slice(2));
  } catch (error) {
    say(`${messageOf(error)}\n\n${usage}`);
    return undefined;
  }
}

const args = argumentsOrUsage();
if (args?.help === true) process.stdout.write(usage);
process.exitCode = args === undefined ? 2 : args.help ? 0 : await main(args);
