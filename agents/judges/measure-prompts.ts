/**
 * Measures what judges send to the models that they ask: `node dist/agents/judges/measure-prompts.js <judges of a run file as JSON>`. One
 * `PromptMeasure` a line on stdout for each, in order; exit 1 with the reason on stderr. Nothing is sent anywhere.
 */
import { z } from 'zod';
import { messageOf } from '../../shared/contract/failure.ts';
import { JudgeSpec } from '../../shared/contract/run-file.ts';
import { measurePrompts } from './prompts/measure.ts';

process.exitCode = await main(process.argv.slice(2));

async function main([judges = '']: string[]): Promise<number> {
  try {
    for (const judge of z.array(JudgeSpec).parse(JSON.parse(judges)))
      process.stdout.write(`${JSON.stringify(await measurePrompts(judge))}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}
