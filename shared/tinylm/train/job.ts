import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BadCheckpointError } from '../model/checkpoint-files.ts';
import { readCheckpoint, type Checkpoint } from '../model/checkpoint.ts';
import { TinyConfig } from '../model/config.ts';
import { positionsOf } from '../model/engine.ts';
import { initialParameters } from '../model/init.ts';
import { buildTokenizer } from '../model/tokenizer.ts';
import { toCorpus, type Corpus } from './corpus.ts';
import { readRows, type PlacedRow } from './data.ts';
import { TrainingFailure } from './failure.ts';
import type { TrainingSpec } from './spec.ts';

/** A spec with everything it names read. */
export interface Job {
  readonly spec: TrainingSpec;
  /** The model that training begins with. */
  readonly start: Checkpoint;
  /** The model that the trained one is compared with. */
  readonly anchor: Checkpoint | undefined;
  readonly train: Corpus;
  readonly dev: Corpus;
  /** SHA-256 of what decides the weights: seed, training settings, training rows, the starting model, and dev rows where they pick. */
  readonly digest: string;
}

/** Throws TrainingFailure 'bad-spec' or 'bad-data'. */
export async function readJob(spec: TrainingSpec): Promise<Job> {
  const train = await readRows(spec.data.train);
  const dev = await readRows(spec.data.dev);
  if (train.rows.length === 0)
    throw new TrainingFailure('bad-data', `${spec.data.train.join(', ')}: no training rows`);
  const { from } = spec.model;
  const start = from === null ? newModel(spec, train.rows) : await readGiven('model.from', from);
  const anchor = spec.anchor === null ? undefined : await readAnchor(spec.anchor, start);
  checkProbe(spec.probe, start);
  const limits = {
    cut: spec.training.maxLength ?? Number.POSITIVE_INFINITY,
    limit: positionsOf(start.config),
  };
  const { seed, training } = spec;
  const digest = createHash('sha256')
    .update(`${JSON.stringify({ seed, training, config: start.config })}\n${train.digest}\n`)
    .update(training.pick === 'last' ? '' : `${dev.digest}\n`)
    .update(JSON.stringify(start.tokenizer.pieces))
    .update(new Uint8Array(start.parameters.buffer))
    .digest('hex');
  return {
    spec,
    start,
    anchor,
    train: toCorpus(train.rows, start.tokenizer, limits),
    dev: toCorpus(dev.rows, start.tokenizer, limits),
    digest,
  };
}

function checkProbe(probe: readonly string[], { config, tokenizer }: Checkpoint): void {
  const limit = config.max_position_embeddings;
  for (const [i, prompt] of probe.entries()) {
    const { length } = tokenizer.encode(prompt);
    if (length > limit)
      throw new TrainingFailure(
        'bad-spec',
        `probe[${i}]: ${length} tokens, the model takes ${limit}`,
      );
  }
}

/** A new model with a vocabulary of the training rows. */
function newModel({ model, seed }: TrainingSpec, rows: readonly PlacedRow[]): Checkpoint {
  const tokenizer = buildTokenizer(textsOf(rows));
  const parsed = TinyConfig.safeParse({ ...model.config, vocab_size: tokenizer.vocabularySize });
  if (!parsed.success)
    throw new TrainingFailure('bad-spec', `model.config: ${z.prettifyError(parsed.error)}`);
  return { config: parsed.data, tokenizer, parameters: initialParameters(parsed.data, seed) };
}

/** Distributions over other tokens cannot be compared. */
async function readAnchor(dir: string, start: Checkpoint): Promise<Checkpoint> {
  const anchor = await readGiven('anchor', dir);
  const shapeOf = ({ config, tokenizer }: Checkpoint): string =>
    JSON.stringify({ config, pieces: tokenizer.pieces });
  if (shapeOf(anchor) === shapeOf(start)) return anchor;
  throw new TrainingFailure(
    'bad-spec',
    `anchor: ${dir} has another shape or vocabulary than the model in training`,
  );
}

async function readGiven(field: string, dir: string): Promise<Checkpoint> {
  try {
    return await readCheckpoint(dir);
  } catch (error) {
    if (error instanceof BadCheckpointError)
      throw new TrainingFailure('bad-spec', `${field}: ${error.message}`, error);
    throw error;
  }
}

function* textsOf(rows: readonly PlacedRow[]) {
  for (const { row } of rows)
    for (const { prompt, completion } of row.turns) {
      yield prompt;
      yield completion;
    }
}
