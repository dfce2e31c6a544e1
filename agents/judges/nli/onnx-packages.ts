/**
 * The two packages that run an ONNX model. They are no dependencies of ours: onnxruntime-node brings the libraries of five platforms, 290 MB,
 * which would double what everybody installs. Who has a model installs them; this is as much of their types as is used.
 */
import { createRequire } from 'node:module';
import { messageOf, PermanentError } from '../../../shared/contract/failure.ts';

/** As npm is told to install them. */
export const packages = ['onnxruntime-node@1.30.0', '@huggingface/tokenizers@0.2.0'] as const;

export interface OnnxPackages {
  readonly runtime: {
    readonly InferenceSession: {
      create(model: string, options: SessionOptions): Promise<Session>;
    };
    readonly Tensor: new (type: 'int64', data: BigInt64Array, shape: readonly number[]) => object;
  };
  readonly Tokenizer: new (tokenizer: object, config: object) => Tokenizer;
}

interface SessionOptions {
  readonly executionProviders: readonly ['cpu'];
  readonly intraOpNumThreads: number;
}

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(inputs: Readonly<Record<string, object>>): Promise<Readonly<Record<string, Output>>>;
}

interface Output {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface Tokenizer {
  encode(
    text: string,
    options: {
      readonly text_pair?: string;
      readonly add_special_tokens: boolean;
      readonly return_token_type_ids?: true;
    },
  ): { readonly ids: readonly number[]; readonly token_type_ids?: readonly number[] };
}

/** Finds them as the module at `from` (a file URL) would. Throws PermanentError that says how to install them. */
export function loadPackages(from: string): OnnxPackages {
  const load = createRequire(from);
  try {
    const runtime = load('onnxruntime-node') as OnnxPackages['runtime'];
    const { Tokenizer } = load('@huggingface/tokenizers') as Pick<OnnxPackages, 'Tokenizer'>;
    return { runtime, Tokenizer };
  } catch (error) {
    const [reason] = messageOf(error).split('\n');
    throw new PermanentError(
      `an ONNX model needs two packages that are not installed with the others (${reason}): npm install --no-save ${packages.join(' ')}`,
      { cause: error },
    );
  }
}
