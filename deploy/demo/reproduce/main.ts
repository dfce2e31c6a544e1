/** `npm run reproduce`: the paper's Table 4 in small, with controls. */
import { readOrExplain, runProgram, say } from '../../local/program.ts';
import { readArguments, usage } from './arguments.ts';
import { jsonTeller, textTeller } from './progress.ts';
import { reproduce } from './reproduce.ts';

const args = readOrExplain(readArguments, usage);
if (args?.help === true) process.stdout.write(usage);
else if (args !== undefined) {
  const teller = args.json ? jsonTeller(process.stdout) : textTeller(process.stdout);
  await runProgram((signals) => reproduce(args, teller, process.env, say, signals));
}
