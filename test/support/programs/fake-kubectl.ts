/**
 * A cluster with Kubeflow Trainer, as far as a trainer uses it: `fake-kubectl <state> kubectl --namespace=… create|get|delete|auth …`. One file a
 * TrainJob; its pod is a process that outlives who created it. Where there is a file `away`, it cannot be reached once.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: { trainer: { command: string[]; args: string[] } };
}

interface Stored extends Manifest {
  pod: { pid: number; code: number | null };
}

const [state = '', , ...all] = process.argv.slice(2);
const args = all.filter((arg) => !arg.startsWith('--'));
const pathOf = (name: string): string => join(state, `${name}.json`);

function read(name: string): Stored {
  return JSON.parse(readFileSync(pathOf(name), 'utf8')) as Stored;
}

function write(job: Stored): void {
  const path = pathOf(job.metadata.name);
  writeFileSync(`${path}.part`, JSON.stringify(job));
  renameSync(`${path}.part`, path);
}

async function create(): Promise<void> {
  const manifest = JSON.parse(await text(process.stdin)) as Manifest;
  const { name } = manifest.metadata;
  if (existsSync(join(state, 'away'))) {
    rmSync(join(state, 'away'));
    process.stderr.write('Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout\n');
    process.exit(1);
  }
  if (manifest.apiVersion !== 'trainer.kubeflow.org/v1alpha1' || manifest.kind !== 'TrainJob')
    throw new Error('error: no matches for kind');
  if (existsSync(pathOf(name))) {
    process.stderr.write(`Error from server (AlreadyExists): trainjobs "${name}" already exists\n`);
    process.exit(1);
  }
  write({ ...manifest, pod: { pid: 0, code: null } });
  const runner = [process.argv[1] ?? '', state, 'run', name];
  spawn(process.execPath, runner, { detached: true, stdio: 'ignore' }).unref();
}

async function run(name: string): Promise<void> {
  const job = read(name);
  const [file = '', ...words] = [...job.spec.trainer.command, ...job.spec.trainer.args];
  const child = spawn(file, words, { detached: true, stdio: 'ignore' });
  write({ ...job, pod: { pid: child.pid ?? 0, code: null } });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (existsSync(pathOf(name))) write({ ...job, pod: { pid: 0, code: code ?? 137 } });
}

function statusOf({ pod: { pid, code } }: Stored): object {
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason: `Jobs${type}`,
    message: '',
  });
  if (code === null) return { jobsStatus: [{ name: 'node', active: pid === 0 ? 0 : 1 }] };
  return { conditions: [condition(code === 0 ? 'Complete' : 'Failed')] };
}

function get(kind: string, name: string): object {
  const job = read(name);
  if (kind === 'trainjob') return { ...job, status: statusOf(job) };
  const terminated = {
    exitCode: job.pod.code,
    reason: job.pod.code === 137 ? 'OOMKilled' : 'Error',
  };
  return { items: [{ status: { containerStatuses: [{ state: { terminated } }] } }] };
}

const [verb, kind = '', name = ''] = args;
if (process.argv[3] === 'run') await run(all[0] ?? '');
else if (verb === 'create') await create();
else if (verb === 'get') {
  const wanted =
    kind === 'pods' ? (args.find((arg) => arg.includes('=')) ?? '').split('=')[1] : name;
  if (existsSync(pathOf(wanted ?? '')))
    process.stdout.write(JSON.stringify(get(kind, wanted ?? '')));
} else if (verb === 'delete' && existsSync(pathOf(name))) {
  const { pid } = read(name).pod;
  rmSync(pathOf(name));
  if (pid !== 0) process.kill(-pid, 'SIGTERM');
}
