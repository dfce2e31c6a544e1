/** The Python of the DeepSpeed back-end: a virtual environment of its own in the clone. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './build.mjs';
import { installOnce, whyImpossible } from './venv.mjs';

export const folder = join(root, '.reset-loop-python');
const program = join(root, 'agents/trainer/deepspeed');
export const requirements = join(program, 'requirements.txt');

/** `npm run setup:deepspeed`: installs what `requirements.txt` pins, and says how a trainer runs it. */
export function setUpDeepSpeed() {
  install();
  const command = [
    bin('torchrun'),
    '--standalone',
    '--nproc-per-node',
    "'8'",
    join(program, 'train.py'),
  ];
  process.stdout.write(
    `DeepSpeed is installed. A trainer profile for 8 GPUs of this machine:\n\ntrainers:\n  deepspeed: { command: [${command.join(', ')}] }\n`,
  );
}

/** `npm run test:deepspeed`: real jobs on the CPU. Returns the exit code. Where its Python cannot be had nothing is tested, and why is said. */
export function testDeepSpeed(runVitest) {
  const reason = whyImpossible(() => install(join(program, 'requirements-test.txt')));
  if (reason !== undefined) {
    process.stdout.write(
      `SKIPPED: the tests of DeepSpeed, which cannot be set up here: ${reason}\n`,
    );
    return 0;
  }
  const config = join(program, 'ruff.toml');
  const tests = join(root, 'test/deepspeed');
  const others = ['test/servers', 'test/public-data', 'deploy/examples/public-data'];
  const sources = [program, tests, ...others.map((folder) => join(root, folder))];
  for (const args of [
    ['ruff', 'check', '--quiet', '--config', config, ...sources],
    ['ruff', 'format', '--quiet', '--check', '--config', config, ...sources],
    ['pytest', '-q', '-p', 'no:cacheprovider', tests],
  ]) {
    const { status } = spawnSync(bin('python'), ['-m', ...args], { cwd: root, stdio: 'inherit' });
    if (status !== 0) return status ?? 1;
  }
  process.env['RESET_PYTHON'] = bin('python');
  return runVitest(['run', '--project', 'deepspeed']);
}

/** Installs what `list` pins, which includes `requirements.txt` where it is another file. */
export function install(list = requirements) {
  installOnce(folder, {
    lists: [requirements, list],
    announce: 'installing DeepSpeed and PyTorch (some minutes and 6 GB, once)',
  });
}

function bin(name) {
  return join(folder, 'bin', name);
}
