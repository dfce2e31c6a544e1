import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { priceOf, usageOf } from '../../agents/judges/providers/price.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import { ProviderProfile } from '../../shared/contract/peer.ts';

const profile = (given: object) =>
  ProviderProfile.parse({ url: 'http://127.0.0.1:9/v1', ...given });
const price = { prompt: 2.5, completion: 10, cached: 1.25 };

test('a call costs its prompt, what of it the provider had read before, and its answer', () => {
  const tokens = { promptTokens: 1000, cachedTokens: 400, completionTokens: 100 };
  expect(usageOf(tokens, price)).toEqual({ ...tokens, usd: 0.003 });
});

test('without a price of their own, tokens read before cost as the prompt does', () => {
  const tokens = { promptTokens: 1_000_000, cachedTokens: 999_999, completionTokens: 0 };
  expect(usageOf(tokens, { prompt: 2, completion: 8 }).usd).toBe(2);
});

test('a free provider costs nothing that is known: null, not 0', () => {
  const tokens = { promptTokens: 10, cachedTokens: 0, completionTokens: 1 };
  expect(usageOf(tokens, priceOf('any', profile({ free: true }), 'own')).usd).toBeNull();
});

test('no count of tokens makes a cost that is negative or not finite', () => {
  const count = fc.nat();
  fc.assert(
    fc.property(count, count, count, (promptTokens, cachedTokens, completionTokens) => {
      const { usd } = usageOf({ promptTokens, cachedTokens, completionTokens }, price);
      expect(usd).toBeGreaterThanOrEqual(0);
      expect(usd).toBeLessThan(Number.POSITIVE_INFINITY);
    }),
  );
});

test('a model without a price is refused, with where to write it', () => {
  const priced = profile({ prices: { 'gpt-4o': price } });
  expect(priceOf('gpt-4o', priced, 'openai')).toEqual(price);
  expect(() => priceOf('gpt-5', priced, 'openai')).toThrow(PermanentError);
  expect(() => priceOf('gpt-5', priced, 'openai')).toThrow(
    /no price of model gpt-5 .* under prices of provider openai .* free: true/,
  );
  expect(() => priceOf('toString', priced, 'openai')).toThrow(/no price of model toString/);
});
