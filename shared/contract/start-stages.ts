import { basename } from 'node:path';
import type { z } from 'zod';
import { Digest } from './ids.ts';
import { unknownName } from './problems.ts';

/** Words of `rounds.trainFrom` that name no stage. */
const RESERVED = ['previous', 'start'];

interface Stage {
  readonly name: string;
  readonly rows?: readonly string[] | undefined;
  readonly datasets?: readonly string[] | undefined;
  readonly checkpoint?: string | undefined;
  readonly training: object;
}

interface Start {
  readonly start: readonly Stage[];
  readonly datasets: readonly { readonly name: string; readonly train?: unknown }[];
  readonly rounds: { readonly trainFrom: string };
}

/** What the stages of a start must keep to beyond the form of each: one source a stage, names that are known, a checkpoint first. */
export function checkStart(file: Start, context: z.RefinementCtx): void {
  const names = file.start.map(({ name }) => name);
  for (const [index, stage] of file.start.entries())
    for (const [key, problem] of problemsOf(stage, index, file))
      context.addIssue({ code: 'custom', path: ['start', index, key], message: problem });
  const from = file.rounds.trainFrom;
  if (RESERVED.includes(from) || names.includes(from)) return;
  const message = unknownName('start stage', from, [...RESERVED, ...names]);
  context.addIssue({ code: 'custom', path: ['rounds', 'trainFrom'], message });
}

function* problemsOf(
  stage: Stage,
  index: number,
  { start, datasets }: Start,
): Generator<[key: string, problem: string]> {
  const { name, rows, datasets: mixed, checkpoint, training } = stage;
  if (RESERVED.includes(name))
    yield ['name', `"${name}" has a meaning of its own in rounds.trainFrom; give another name`];
  if (start.findIndex((other) => other.name === name) < index)
    yield ['name', `another stage is called "${name}"; give each its own name`];
  if ([rows, mixed, checkpoint].filter((source) => source !== undefined).length > 1)
    yield ['name', 'give one of rows, datasets and checkpoint'];
  const trained = datasets.flatMap((dataset) =>
    dataset.train === undefined ? [] : [dataset.name],
  );
  for (const dataset of mixed ?? [])
    if (!trained.includes(dataset))
      yield ['datasets', unknownName('dataset with a train part', dataset, trained)];
  if (new Set(mixed).size < (mixed?.length ?? 0)) yield ['datasets', 'name each dataset once'];
  if (checkpoint === undefined) return;
  if (!Digest.safeParse(basename(checkpoint)).success)
    yield [
      'checkpoint',
      `"${checkpoint}" is not the folder of a published checkpoint, which is named by 64 hex digits; another folder goes to model.base`,
    ];
  // Given checkpoints may follow each other: `rounds.trainFrom` can name one that the others are not made from.
  if (start.slice(0, index).some((before) => before.checkpoint === undefined))
    yield ['checkpoint', 'a checkpoint comes first: it would undo the training before it'];
  if (Object.keys(training).length > 0)
    yield ['training', 'a checkpoint is taken as it is, without training'];
}
