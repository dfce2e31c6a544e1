/** `npm start`: a whole cluster on this machine, and the demo's run in it. */
import { readArguments, usage } from './arguments.ts';
import { readOrExplain, runProgram, say } from './program.ts';
import { start } from './start.ts';

const args = readOrExplain(readArguments, usage);
if (args?.help === true) process.stdout.write(usage);
else if (args !== undefined) await runProgram((signals) => start(args, process.env, say, signals));
