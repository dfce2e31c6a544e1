/** Virtual environments of Python in the clone, and why a machine cannot have one. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './build.mjs';

const oldest = [3, 11];
/** What is said where a machine cannot have it: no index is reached, there is no such Python or machine, no venv for it, or no room. */
const impossible =
  /NewConnectionError|ConnectTimeout|ProxyError|NameResolutionError|Network is unreachable|needs python3|need Linux|ensurepip is not|No space left/;

/**
 * Makes the virtual environment `folder` and installs into it what the last of the requirements files `lists` says, once for their contents;
 * `args` are further ones of pip, `fill` is called before pip with the environment made. Throws what Python said where it failed.
 */
export function installOnce(folder, { lists, args = [], announce, fill = () => undefined }) {
  const digest = createHash('sha256')
    .update(Buffer.concat(lists.map((list) => readFileSync(list))))
    .digest('hex');
  const last = lists.at(-1);
  const stamp = join(folder, `.${last.split('/').at(-1)}.stamp`);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  process.stderr.write(`reset-loop: ${announce}\n`);
  run(findPython(), ['-m', 'venv', folder]);
  fill();
  const pip = ['-m', 'pip', 'install', '--quiet', '--retries', '2', ...args];
  run(join(folder, 'bin/python'), [...pip, '-r', last]);
  writeFileSync(stamp, digest);
}

/** Does what `install` does and returns undefined, or why it cannot be done on this machine. Throws any other failure. */
export function whyImpossible(install) {
  try {
    install();
    return undefined;
  } catch (error) {
    const [reason] = impossible.exec(error.message) ?? [];
    if (reason === undefined) throw error;
    return reason;
  }
}

function findPython() {
  const script = 'import sys; print(*sys.version_info[:2])';
  const { stdout } = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  const [major, minor] = (stdout ?? '').split(' ').map(Number);
  if (major === oldest[0] && minor >= oldest[1]) return 'python3';
  throw new Error(`the DeepSpeed back-end needs python3 ${oldest.join('.')} or newer on PATH`);
}

function run(command, args) {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (error === undefined && status === 0) return;
  throw new Error(
    `${command} ${args.join(' ')} failed:\n${error?.message ?? `${stdout}${stderr}`}`,
  );
}
