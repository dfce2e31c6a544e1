/**
 * Builds what changed into `dist`, in three steps: gRPC types from `proto`, kernels from AssemblyScript, TypeScript.
 * Each step is skipped while the bytes that it reads are the ones it last succeeded with.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const kernels = 'shared/tinylm/kernels/assembly';

const steps = [
  {
    name: 'grpc types',
    reads: ['proto', 'package-lock.json'],
    writes: 'shared/rpc/generated',
    run: generateTypes,
  },
  {
    name: 'kernels',
    reads: [kernels, 'package-lock.json'],
    writes: 'dist/shared/tinylm/kernels/kernels.wasm',
    run: compileKernels,
  },
  {
    name: 'typescript',
    reads: [
      'agents',
      'coordinator',
      'shared',
      'deploy',
      'test',
      'tsconfig.json',
      'package-lock.json',
    ],
    writes: 'dist/deploy',
    run: compileTypes,
  },
];

/** Runs the steps whose input changed; throws when one fails. `say` is told the name of each step that runs. */
export function build(say = () => {}) {
  for (const step of steps) {
    const stamp = join(root, 'dist', `.${step.name.replace(' ', '-')}.stamp`);
    const digest = digestOf(step.reads);
    const done =
      existsSync(join(root, step.writes)) &&
      existsSync(stamp) &&
      readFileSync(stamp, 'utf8') === digest;
    if (done) continue;
    say(step.name);
    rmSync(stamp, { force: true });
    step.run();
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, digestOf(step.reads));
  }
}

function generateTypes() {
  const services = readdirSync(join(root, 'proto/reset/v1')).filter((name) =>
    name.endsWith('.proto'),
  );
  if (services.length === 0) return;
  rmSync(join(root, 'shared/rpc/generated'), { recursive: true, force: true });
  // These flags and the loader options in shared/rpc/load.ts say the same thing: change both or neither.
  bin('proto-loader-gen-types', [
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--grpcLib=@grpc/grpc-js',
    '--importFileExtension=.ts',
    '--includeDirs=proto',
    '--outDir=shared/rpc/generated',
    ...services.map((name) => `reset/v1/${name}`),
  ]);
}

function compileKernels() {
  if (!existsSync(join(root, kernels, 'index.ts'))) return;
  mkdirSync(join(root, 'dist/shared/tinylm/kernels'), { recursive: true });
  bin('asc', [
    join(kernels, 'index.ts'),
    '--config',
    join(kernels, 'asconfig.json'),
    '--target',
    'release',
  ]);
}

function compileTypes() {
  bin('tsc', ['-p', 'tsconfig.json']);
  for (const name of readdirSync(join(root, 'dist'), { recursive: true })) {
    // A source that is gone must not go on running.
    const source = join(root, name.replace(/\.js(\.map)?$/, '.ts'));
    if (/\.js(\.map)?$/.test(name) && !existsSync(source)) rmSync(join(root, 'dist', name));
  }
}

function bin(name, args) {
  const tool = join(root, 'node_modules/.bin', name);
  execFileSync(tool, args, { cwd: root, stdio: ['ignore', 2, 2] });
}

function digestOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesUnder).sort())
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(root, path)))
      .update('\0');
  return hash.digest('hex');
}

function filesUnder(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (/\.(json|proto)$/.test(path)) return [path];
  return readdirSync(full, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|proto|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((file) => !file.includes('/generated/'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    build((name) => process.stderr.write(`build: ${name}\n`));
  } catch (error) {
    process.stderr.write(`build failed: ${error.message}\n`);
    process.exit(1);
  }
}
