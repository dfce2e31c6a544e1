import { writeCheckpoint } from '../../shared/tinylm/model/checkpoint.ts';
import { TinyConfig } from '../../shared/tinylm/model/config.ts';
import { initialParameters } from '../../shared/tinylm/model/init.ts';
import { buildTokenizer } from '../../shared/tinylm/model/tokenizer.ts';

const WORDS = 'the cat sat on a mat and saw one red bird in an old tree by night';

/** An untrained model of two layers with 32 positions, written into a folder. */
export async function writeTinyCheckpoint(dir: string) {
  const tokenizer = buildTokenizer([WORDS]);
  const config = TinyConfig.parse({
    vocab_size: tokenizer.vocabularySize,
    hidden_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 48,
    max_position_embeddings: 32,
  });
  const parameters = initialParameters(config, 11).map((value) => value * 1.5);
  await writeCheckpoint(dir, { config, tokenizer, parameters });
  return { config, tokenizer, parameters };
}
