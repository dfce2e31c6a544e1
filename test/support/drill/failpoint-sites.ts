/** Reads the sources for the effects that a kill must be tried before and after, and for those without a failpoint. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const roots = ['agents', 'coordinator', 'shared', 'deploy'];

/** Peers that perform the bus's effects: the name of an effect is made of the role and the kind. */
const busEffects: Readonly<Record<string, readonly string[]>> = {
  offer: ['curator'],
  announce: ['curator'],
  answer: ['sampler', 'judge'],
  ack: ['curator', 'sampler', 'judge'],
};

/** Files that may touch the disk or the bus without a failpoint, and why no kill there can matter to a run. */
const exempt: Readonly<Record<string, string>> = {
  'deploy/local/fetch/cache.ts':
    'a downloaded server outside the state folder, proven by --version before use',
  'deploy/local/log-file.ts': 'a log that has grown large is set aside',
  'agents/judges/check/keep.ts':
    'what a judge was measured at, beside the runs; measured again by the same command',
  'shared/bus/slate.ts':
    'the value is in its bucket before it is told; who was not told reads it with its own next change',
};

interface Source {
  readonly path: string;
  readonly text: string;
}

function sources(): Source[] {
  return roots.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/generated|assembly/.test(name))
      .map((name) => join(folder, name))
      .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
  );
}

/** Names of all failpoints of the code base, in order. */
export function allFailpoints(): string[] {
  const effects = sources().flatMap(({ text }) => [
    ...matches(text, /\bstore\.write\(\s*'([a-z-]+)'/g).map((name) => `store.${name}`),
    ...matches(text, /\b(?:writeFileDurably|publishFolder|writeDurably)\(\s*'([a-z.-]+)'/g).flatMap(
      (name) => ['fsync', 'rename', 'fsync-folder'].map((step) => `${name}.${step}`),
    ),
    ...matches(text, /\bperformEffect\(\s*'([a-z.-]+)'/g),
    ...matches(text, /#effect\('([a-z]+)'/g).flatMap(peersOf),
    ...matches(text, /ackEffect: `\$\{role\}\.([a-z]+)`/g).flatMap(peersOf),
  ]);
  return [...new Set(effects)].sort().flatMap((effect) => [`${effect}.before`, `${effect}.after`]);
}

function peersOf(kind: string): string[] {
  const peers = busEffects[kind];
  if (peers === undefined) throw new Error(`who performs ${kind} on the bus? Say so in busEffects`);
  return peers.map((peer) => `${peer}.${kind}`);
}

/** Calls that change disk, bus or journal. */
const effectful =
  /\b(?:\w*[sS]tore\.write|batch\.write|\w+\.sync|rename|renameSync|fsync\w*|\w+\.publish|\w+\.ackAck|curator\.append)\(/;

/** Lines with an effect that no failpoint surrounds. A helper that does one may stand alone where it is called under a failpoint. */
export function unguardedSites(): string[] {
  return sources()
    .filter(({ path }) => exempt[path] === undefined)
    .flatMap(({ path, text }) => {
      const helpers = matches(
        text,
        /performEffect\([^;]*?\b(syncPath|syncFolder|renameUnlessThere)\(/gs,
      );
      return text.split('\n').flatMap((line, index) => {
        if (!effectful.test(line) || /^\s*(\*|\/\/|import)/.test(line)) return [];
        const before = text
          .split('\n')
          .slice(Math.max(0, index - 8), index + 1)
          .join('\n');
        const guarded =
          /performEffect\(|#effect\(/.test(before) ||
          // A Store's write is guarded by the store itself, under the name of its effect.
          /store\.write\(\s*(?:'[a-z-]+'|effect|$)/.test(line) ||
          helpers.some((helper) => new RegExp(`function ${helper}\\b`).test(before));
        return guarded ? [] : [`${path}:${index + 1}: ${line.trim()}`];
      });
    });
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, name]) => name ?? []);
}
