/**
 * The words of the world as a tokenizer that Hugging Face's libraries load, and with them DeepSpeed and the model servers: the pieces of
 * tinylm's own, a word with the space before it being one token, so that decoded tokens are the text again.
 */
import { buildTokenizer } from '../../../shared/tinylm/model/tokenizer.ts';

/** What the tokenizer makes of a word of no world. */
const UNKNOWN = '<unk>';
/** Ends every answer. */
const END = '<eos>';
const SPECIAL = [UNKNOWN, END];

/** As `PIECE` of tinylm's tokenizer. */
const PIECE = String.raw` ?[\p{L}\p{M}\p{N}]+| ?[^\s\p{L}\p{M}\p{N}]|\s`;

export interface WordTokenizer {
  vocabularySize: number;
  endToken: number;
  /** `tokenizer.json` and `tokenizer_config.json`. */
  files: Readonly<Record<string, object>>;
}

/** A tokenizer of the words of `texts`, the frequent ones first. */
export function wordTokenizer(texts: Iterable<string>): WordTokenizer {
  const words = [...SPECIAL, ...buildTokenizer(texts).pieces];
  return {
    vocabularySize: words.length,
    endToken: SPECIAL.indexOf(END),
    files: {
      'tokenizer.json': {
        version: '1.0',
        truncation: null,
        padding: null,
        added_tokens: SPECIAL.map((content, id) => ({
          id,
          content,
          single_word: false,
          lstrip: false,
          rstrip: false,
          normalized: false,
          special: true,
        })),
        normalizer: null,
        pre_tokenizer: {
          type: 'Split',
          pattern: { Regex: PIECE },
          behavior: 'Isolated',
          invert: false,
        },
        post_processor: null,
        decoder: { type: 'Fuse' },
        model: {
          type: 'WordLevel',
          vocab: Object.fromEntries(words.map((word, id) => [word, id])),
          unk_token: UNKNOWN,
        },
      },
      'tokenizer_config.json': {
        tokenizer_class: 'PreTrainedTokenizerFast',
        clean_up_tokenization_spaces: false,
        unk_token: UNKNOWN,
        eos_token: END,
      },
    },
  };
}
