/** A token of this engine, and a block of its cache in tokens, as of vLLM. */
const CHARACTERS_A_TOKEN = 4;
const BLOCK_TOKENS = 16;

const BLOCK_CHARACTERS = BLOCK_TOKENS * CHARACTERS_A_TOKEN;

/** As much as an A100 holds beside a model of 7B. */
const CAPACITY_BLOCKS = 4096;

/** Whole blocks of what was read, by all that stands before them; the one that was used longest ago goes first. */
export interface PrefixCache {
  /** Tokens of a prompt, and how many of them were there; now all of its whole blocks are. The last token is always read. */
  read(salt: string, prompt: string): { tokens: number; cached: number };
}

export function createPrefixCache(): PrefixCache {
  const blocks = new Map<string, number>();
  let named = 0;
  return {
    read: (salt, prompt) => {
      const tokens = Math.ceil(prompt.length / CHARACTERS_A_TOKEN);
      let [before, hits, missed] = [salt, 0, false];
      for (let at = 0; at + BLOCK_CHARACTERS <= prompt.length; at += BLOCK_CHARACTERS) {
        const key = `${before} ${prompt.slice(at, at + BLOCK_CHARACTERS)}`;
        const known = blocks.get(key);
        missed ||= known === undefined;
        if (!missed) hits += 1;
        const name = known ?? (named += 1);
        blocks.delete(key);
        blocks.set(key, name);
        before = String(name);
      }
      for (const key of blocks.keys()) {
        if (blocks.size <= CAPACITY_BLOCKS) break;
        blocks.delete(key);
      }
      return { tokens, cached: Math.min(hits * BLOCK_TOKENS, tokens - 1) };
    },
  };
}
