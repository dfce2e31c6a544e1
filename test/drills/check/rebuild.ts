import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MANIFEST_FILE } from '../../../agents/curator/dataset/seal.ts';
import { put, tables } from '../../../agents/curator/ledger/tables.ts';
import { readUnit } from '../../../agents/curator/ledger/units.ts';
import { loadRuns } from '../../../agents/curator/open.ts';
import { type Run, taskKey } from '../../../agents/curator/run.ts';
import { concludeTask } from '../../../agents/curator/step/conclude.ts';
import { loadTasks } from '../../../agents/curator/step/plan.ts';
import { viewUnit } from '../../../agents/curator/step/view.ts';
import { verifyCheckpoint } from '../../../agents/trainer/checkpoint/publish.ts';
import { DatasetManifest } from '../../../shared/contract/dataset.ts';
import { GoneError, messageOf } from '../../../shared/contract/failure.ts';
import { canonicalJson, sha256 } from '../../../shared/contract/ids.ts';
import { releasedIn } from '../../../shared/contract/released.ts';
import { filesIn } from '../../support/drill/evidence.ts';
import { checkDecisions } from './decisions.ts';
import { type Evidence, factsOf, places, type RunEvidence } from './evidence.ts';
import { finder, type Violation } from './violation.ts';

/**
 * I4: the ledger gives everything again, byte by byte: selections, outcomes, sealed datasets and decisions. Files are what their manifests
 * say, and folders are named by their manifests.
 */
export async function checkRebuild(evidence: Evidence): Promise<Violation[]> {
  const { checkpoints, datasets } = places(evidence.state);
  const facts = evidence.runs.flatMap(factsOf);
  const sealed = facts.flatMap((fact) => (fact.fact === 'dataset.sealed' ? [fact.dataset] : []));
  const published = facts.flatMap((fact) =>
    fact.fact === 'checkpoint.published' ? [fact.checkpoint] : [],
  );
  const released = evidence.runs.flatMap((run) => [...releasedIn(factsOf(run)).keys()]);
  const folder = await mkdtemp(join(tmpdir(), 'reset-rebuilt-'));
  try {
    return [
      ...(await checkDatasets(datasets, sealed)),
      ...(await checkCheckpoints(checkpoints, published, released)),
      ...(
        await Promise.all(evidence.runs.map((run) => checkDecisions(run, evidence.store)))
      ).flat(),
      ...(await rebuildTasks(evidence, folder)),
      ...(await compareFolders(folder, datasets, sealed)),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkDatasets(folder: string, sealed: readonly string[]): Promise<Violation[]> {
  const { found, expect } = finder('I4');
  const there = filesIn(folder).filter((name) => !name.startsWith('.'));
  for (const digest of sealed)
    expect(
      there.includes(digest),
      () => `the journal names dataset ${digest}, and ${folder} has none`,
    );
  for (const digest of there) {
    const path = join(folder, digest);
    const text = await readFile(join(path, MANIFEST_FILE), 'utf8').catch(() => '');
    expect(
      sha256(text) === digest,
      () => `dataset ${digest}: its manifest is not the one that named it`,
    );
    const { files = [] } = DatasetManifest.safeParse(jsonOf(text)).data ?? {};
    for (const file of files) {
      const bytes = await readFile(join(path, file.path)).catch(() => Buffer.alloc(0));
      expect(
        bytes.length === file.size && sha256(bytes) === file.sha256,
        () =>
          `dataset ${digest}: ${file.path} is not what the manifest says, ${bytes.length} of ${file.size} bytes`,
      );
    }
  }
  return found;
}

async function checkCheckpoints(
  folder: string,
  published: readonly string[],
  released: readonly string[],
): Promise<Violation[]> {
  const { found, expect } = finder('I4');
  const there = filesIn(folder).filter((name) => !name.startsWith('.'));
  for (const digest of new Set([...published, ...there])) {
    const problem = await verifyCheckpoint(folder, digest).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!released.includes(digest))
      expect(problem === undefined, () => `checkpoint ${digest}: ${messageOf(problem)}`);
    else
      expect(
        problem instanceof GoneError,
        () => `checkpoint ${digest} was released and is not removed: ${messageOf(problem)}`,
      );
  }
  return found;
}

/** Concludes every task that has ended once more, in the copy of the ledger. */
async function rebuildTasks({ store, runs }: Evidence, folder: string): Promise<Violation[]> {
  const { found, expect } = finder('I4');
  for (const evidence of runs)
    for (const record of evidence.tasks) {
      const key = `${evidence.name}/${taskKey(record.step, record.task)}`;
      await store.write('check', [put(tables.task, key, { ...record, outcome: null })]);
    }
  for (const run of await loadRuns(store)) {
    const evidence = runs.find(({ name }) => name === run.name);
    if (evidence === undefined) continue;
    await loadTasks(run, store);
    for (const { step, task, outcome } of evidence.tasks) {
      const where = `${run.name}: ${task} of ${step}`;
      const board = run.boards.get(taskKey(step, task));
      if (outcome === null || board === undefined) continue;
      if (task === 'curate') found.push(...(await checkSelections(run, evidence, step, store)));
      const again = await concludeTask(run, board, { store, datasets: folder }).then(
        canonicalJson,
        messageOf,
      );
      expect(
        again === canonicalJson(outcome),
        () => `${where} ended with ${canonicalJson(outcome)}, and the ledger gives ${again}`,
      );
    }
  }
  return found;
}

async function checkSelections(
  run: Run,
  { selections }: RunEvidence,
  step: string,
  store: Evidence['store'],
): Promise<Violation[]> {
  const { found, expect } = finder('I4');
  const board = run.boards.get(taskKey(step, 'curate'));
  if (board === undefined) return found;
  for (const planned of board.units.values()) {
    const records = await readUnit(store, run.name, planned, board.judges(planned));
    for (const [example, selection] of viewUnit(run, board, records).selections) {
      const stored = selections.get(`${step}/${example}`);
      const again = canonicalJson({ unit: planned.unit, ...selection });
      expect(
        stored === undefined || canonicalJson(stored) === again,
        () =>
          `${run.name}: the selection of ${example} in ${step} is ${canonicalJson(stored)}, and its verdicts give ${again}`,
      );
    }
  }
  return found;
}

/** Folders of these names hold the same files with the same bytes in both places. */
export async function compareFolders(
  expected: string,
  actual: string,
  names: readonly string[],
  invariant: Violation['invariant'] = 'I4',
): Promise<Violation[]> {
  const { found, expect } = finder(invariant);
  for (const name of new Set(names)) {
    const files = filesIn(join(expected, name));
    expect(files.length > 0, () => `${name} comes from nothing: it is not in ${expected}`);
    const others = filesIn(join(actual, name));
    expect(
      files.length === 0 || files.join() === others.join(),
      () => `${name} holds ${others.join(', ')}, not ${files.join(', ')}`,
    );
    for (const file of files.filter((one) => others.includes(one))) {
      const [a, b] = await Promise.all(
        [expected, actual].map((folder) => readFile(join(folder, name, file))),
      );
      expect(a?.equals(b ?? Buffer.alloc(0)) === true, () => `${name}/${file} has other bytes`);
    }
  }
  return found;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
