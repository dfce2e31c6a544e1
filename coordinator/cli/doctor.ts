import { spawnSync } from 'node:child_process';
import { constants, accessSync, mkdirSync, statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { messageOf } from '../../shared/contract/failure.ts';
import { connectCluster, localBus, type ClusterOptions } from './cluster.ts';
import { askTrainer } from './doctor-trainer.ts';
import { exits } from './exit.ts';
import type { Finding } from './finding.ts';

const GIB = 1024 ** 3;

/** Says what this machine and the trainers on the bus have and lack for a run. Exit 0 when nothing is missing, 1 otherwise. */
export async function doctor(
  options: ClusterOptions & { json: boolean },
  signal: AbortSignal,
): Promise<number> {
  const findings = [
    nodeVersion(),
    cores(),
    stateFolder(options.state),
    disk(options.state),
    python(),
    ...(await cluster(options, signal)),
  ];
  if (options.json) process.stdout.write(`${JSON.stringify({ findings })}\n`);
  else process.stdout.write(`${findings.map(line).join('\n')}\n`);
  return findings.every(({ ok }) => ok) ? exits.done : exits.failed;
}

function line({ check, ok, found, fix }: Finding): string {
  return `${ok ? 'ok  ' : 'FIX '} ${check}: ${found}${ok || fix === undefined ? '' : `\n      ${fix}`}`;
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return {
    check: 'Node',
    ok: major > 20 || (major === 20 && minor >= 19),
    found: process.versions.node,
    fix: 'install Node 20.19 or newer',
  };
}

function cores(): Finding {
  return {
    check: 'machine',
    ok: true,
    found: `${availableParallelism()} cores, ${(totalmem() / GIB).toFixed(0)} GiB`,
  };
}

function stateFolder(state: string): Finding {
  try {
    mkdirSync(state, { recursive: true });
    accessSync(state, constants.W_OK);
    return { check: 'state folder', ok: true, found: state };
  } catch (error) {
    return {
      check: 'state folder',
      ok: false,
      found: messageOf(error),
      fix: 'give --state a folder that you may write',
    };
  }
}

function disk(state: string): Finding {
  try {
    const { bavail, bsize } = statfsSync(state);
    const free = (bavail * bsize) / GIB;
    return {
      check: 'disk',
      ok: free > 1,
      found: `${free.toFixed(1)} GiB free`,
      fix: 'free at least 1 GiB, or give --state a folder on another disk',
    };
  } catch (error) {
    return {
      check: 'disk',
      ok: false,
      found: messageOf(error),
      fix: 'give --state a folder that exists',
    };
  }
}

/** Only the DeepSpeed back-end needs it, so its absence is no fault. */
function python(): Finding {
  const { status, stdout } = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  return {
    check: 'Python (for DeepSpeed only)',
    ok: true,
    found: status === 0 ? stdout.trim() : 'none',
  };
}

/** The bus, and what each trainer on it has. */
async function cluster(options: ClusterOptions, signal: AbortSignal): Promise<Finding[]> {
  const url = options.nats ?? process.env['RESET_NATS_URL'] ?? localBus(options.state);
  if (url === undefined)
    return [{ check: 'cluster', ok: true, found: 'none runs here; npm start starts one' }];
  try {
    const connected = await connectCluster(options, signal);
    const peers = await connected.directory.peers();
    await connected.close();
    const trainers = peers.flatMap((peer) =>
      peer.role === 'trainer' && peer.grpc !== null ? [{ ...peer, grpc: peer.grpc }] : [],
    );
    return [
      {
        check: 'cluster',
        ok: true,
        found: `nats-server ${connected.serverVersion}, durability ${connected.durability}, ${peers.length} peers`,
      },
      ...(await Promise.all(trainers.map((trainer) => askTrainer(trainer, signal)))),
    ];
  } catch (error) {
    return [
      {
        check: 'cluster',
        ok: false,
        found: messageOf(error),
        fix: `see that a nats-server 2.10.23 or newer answers at ${url}`,
      },
    ];
  }
}
