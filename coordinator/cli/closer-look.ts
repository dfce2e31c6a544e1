import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The state folder where none is named: that of `npm start`, in the clone's root, wherever the command is called from. */
export const DEFAULT_STATE = fileURLToPath(new URL('../../../.reset-loop', import.meta.url));

/** Commands that show more of a run, as its result prints them. Each of them is executed by the end-to-end test. */
export function closerLook(run: string, state: string): string {
  const where = resolve(state) === DEFAULT_STATE ? '' : ` --state ${state}`;
  const commands = [
    [`npx reset-loop status${where}`, 'the runs, what they wait for, the peers'],
    [`npx reset-loop watch ${run}${where}`, 'the journal, fact by fact'],
    [`npx reset-loop why${where}`, 'one example: its candidates, verdicts, arithmetic and winner'],
    [
      `npx reset-loop report${where}`,
      'all of it as Markdown: scores, decisions, lengths, cells, digests',
    ],
    [`npx reset-loop doctor${where}`, 'what this machine has and lacks'],
  ] as const;
  const width = Math.max(...commands.map(([command]) => command.length));
  return [
    'To look closer:',
    ...commands.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`),
  ].join('\n');
}
