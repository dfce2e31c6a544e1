import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { PermanentError } from '../../../shared/contract/failure.ts';
import type { NliPair, NliVerdict } from './nli.ts';
import { type OnnxSettings, readJson } from './onnx-folder.ts';
import type { OnnxPackages } from './onnx-packages.ts';
import { createPairEncoder, type EncodedPair } from './pair-encoder.ts';

/** That of SummaC's reference implementation. */
const BATCH = 20;

const knownInputs = ['input_ids', 'attention_mask', 'token_type_ids'];

/** Answers in the order of the pairs; undefined as soon as `isUnwanted` says so, which it is asked before every batch. */
export type OnnxModel = (
  pairs: readonly NliPair[],
  isUnwanted: () => boolean,
) => Promise<NliVerdict[] | undefined>;

/** With its place among the pairs of a call. */
interface Placed extends EncodedPair {
  readonly place: number;
}

/** Opens the model of a folder on the CPU. Throws PermanentError for a model or a tokenizer that it cannot use. */
export async function openModel(
  folder: string,
  settings: OnnxSettings,
  { runtime, Tokenizer }: OnnxPackages,
): Promise<OnnxModel> {
  const tokenizer = (await readJson(join(folder, 'tokenizer.json'))) as object;
  const config = await readJson(join(folder, 'tokenizer_config.json')).catch(() => ({}));
  const encode = createPairEncoder(new Tokenizer(tokenizer, config as object), settings.maxTokens);
  const path = join(folder, 'model.onnx');
  const session = await runtime.InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: availableParallelism(),
  });
  const strange = session.inputNames.filter((name) => !knownInputs.includes(name));
  if (strange.length > 0)
    throw new PermanentError(
      `${path} wants ${strange.join(', ')}, which is not known here: export it with ${knownInputs.join(', ')}`,
    );
  const [output = ''] = session.outputNames;
  const hasMask = session.inputNames.includes('attention_mask');

  async function run(batch: readonly Placed[]): Promise<[place: number, NliVerdict][]> {
    const length = Math.max(...batch.map(({ ids }) => ids.length));
    const shape = [batch.length, length];
    const tensor = (valueAt: (pair: EncodedPair, place: number) => number): object => {
      const data = new BigInt64Array(batch.length * length);
      for (const [row, pair] of batch.entries())
        for (let place = 0; place < length; place += 1)
          data[row * length + place] = BigInt(valueAt(pair, place));
      return new runtime.Tensor('int64', data, shape);
    };
    const inputs: Readonly<Record<string, () => object>> = {
      input_ids: () => tensor(({ ids }, place) => ids[place] ?? settings.padId),
      attention_mask: () => tensor(({ ids }, place) => (place < ids.length ? 1 : 0)),
      token_type_ids: () => tensor(({ types }, place) => types[place] ?? 0),
    };
    const wanted = session.inputNames.map((name) => [name, inputs[name]?.() ?? {}]);
    const logits = (await session.run(Object.fromEntries(wanted) as Record<string, object>))[
      output
    ];
    if (logits?.type !== 'float32' || String(logits.dims) !== String([batch.length, 3]))
      throw new PermanentError(
        `${path} answered ${output} of type ${logits?.type ?? 'none'} and shape [${String(logits?.dims)}], not one float32 for each of three labels`,
      );
    const values = Array.from(logits.data);
    return batch.map(({ place }, row) => [place, verdictOf(values.slice(row * 3, row * 3 + 3))]);
  }

  function verdictOf(logits: readonly number[]): NliVerdict {
    const shares = softmax(logits);
    const [ent = NaN, con = NaN] = [shares[settings.entailment], shares[settings.contradiction]];
    if (Number.isNaN(ent + con))
      throw new PermanentError(`${path} answered ${logits.join(', ')}: no probabilities`);
    return { ent, con };
  }

  return async (pairs, isUnwanted) => {
    const verdicts: NliVerdict[] = [];
    const placed = encode(pairs).map((pair, place) => ({ ...pair, place }));
    for (const batch of batchesOf(placed, hasMask)) {
      if (isUnwanted()) return undefined;
      for (const [place, verdict] of await run(batch)) verdicts[place] = verdict;
    }
    return verdicts;
  };
}

/** Pairs of about one length, so that little is padded; of exactly one length where the model could not tell the padding. */
function batchesOf(pairs: readonly Placed[], canPad: boolean): Placed[][] {
  const batches: Placed[][] = [];
  for (const pair of [...pairs].sort((a, b) => a.ids.length - b.ids.length)) {
    const last = batches.at(-1);
    const fits = canPad || last?.[0]?.ids.length === pair.ids.length;
    if (last !== undefined && last.length < BATCH && fits) last.push(pair);
    else batches.push([pair]);
  }
  return batches;
}

/** In doubles. */
function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
