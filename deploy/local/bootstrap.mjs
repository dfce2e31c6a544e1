#!/usr/bin/env node
/**
 * The one entry of a clone: installs npm packages where they are missing, builds what changed, and goes on with
 * `start` (`npm start`), `test` (`npm test`), `reproduce` or any command of `reset-loop`. Exit code and signals are those of what it runs.
 */
const minimumNode = '20.19.0';

if (isOlder(process.versions.node, minimumNode)) {
  process.stderr.write(
    `reset-loop: this is Node ${process.versions.node}, and ${minimumNode} or newer is needed. Install one from https://nodejs.org and start again.\n`,
  );
  process.exit(1);
}

try {
  const { prepare, programs } = await import('./prepare.mjs');
  const [command = 'help', ...args] = process.argv.slice(2);
  await prepare();
  const run = programs[command] ?? programs.cli;
  await run(command, args);
} catch (error) {
  process.stderr.write(`reset-loop: ${error.message}\n`);
  process.exit(1);
}

function isOlder(version, minimum) {
  const [has, needs] = [version, minimum].map((text) => text.split('.').map(Number));
  for (let place = 0; place < 3; place += 1) {
    if (has[place] !== needs[place]) return has[place] < needs[place];
  }
  return false;
}
