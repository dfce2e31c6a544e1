/** `node dist/test/drills/check.js <state folder>`: says which invariants a drill has broken. Exit 0 none, 1 some, 2 wrong arguments. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../shared/contract/failure.ts';
import { check } from './check/all.ts';

const usage =
  'usage: node dist/test/drills/check.js <state folder> [--reference <state folder>] [--crashes <n>] [--json]\n';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      reference: { type: 'string' },
      crashes: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [state] = positionals;
  const crashes = values.crashes === undefined ? undefined : Number(values.crashes);
  if (state === undefined || positionals.length > 1 || Number.isNaN(crashes)) {
    process.stderr.write(usage);
    return 2;
  }
  const reference = values.reference === undefined ? undefined : resolve(values.reference);
  const violations = await check(resolve(state), { reference, crashes });
  for (const violation of violations)
    process.stdout.write(
      `${values.json ? JSON.stringify(violation) : `${violation.invariant}: ${violation.what}`}\n`,
    );
  if (!values.json) process.stdout.write(`${violations.length} violations\n`);
  return violations.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`check: ${messageOf(error)}\n${usage}`);
  process.exitCode = 2;
}
