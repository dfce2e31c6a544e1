/** Commands that show more of a run, as the result prints them. Each of them is executed by the end-to-end test. */
export function closerLook(run: string, example: string | undefined): string {
  const commands = [
    [`npx reset-loop status`, 'the run, its round and the peers'],
    [`npx reset-loop watch ${run}`, 'its journal, fact by fact'],
    ...(example === undefined
      ? []
      : [
          [
            `npx reset-loop why ${example.slice(0, 12)}`,
            'one example: its candidates, verdicts, arithmetic and winner',
          ],
        ]),
    [`npx reset-loop doctor`, 'what this machine has and lacks'],
  ];
  const width = Math.max(...commands.map(([command]) => command?.length ?? 0));
  return [
    'To look closer:',
    ...commands.map(([command = '', what = '']) => `  ${command.padEnd(width)}  ${what}`),
  ].join('\n');
}
