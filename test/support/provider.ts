import { onTestFinished, vi } from 'vitest';
import { openProvider } from '../../agents/judges/providers/openai.ts';
import type { ChatRequest, Provider } from '../../agents/judges/providers/provider.ts';
import { ProviderProfile } from '../../shared/contract/peer.ts';
import { startFakeOpenAi, type FakeOpenAi, type FakeOpenAiOptions } from './fake-openai.ts';

export const KEY = 'sk-canary-4f1d7c2b9a';
export const DEADLINE_MS = 300;

export const request: ChatRequest = {
  model: 'judge-1',
  messages: [
    { role: 'system', content: 'Rate the answer.' },
    { role: 'user', content: 'Oslo' },
  ],
  temperature: 0,
  maxTokens: 64,
};

/** A provider with a key, a price and a short deadline, and the server behind it, until the test ends. */
export async function startProvider(
  options: FakeOpenAiOptions = {},
  profile: object = {},
): Promise<{ server: FakeOpenAi; provider: Provider }> {
  const server = await startFakeOpenAi({ key: KEY, ...options });
  vi.stubEnv('JUDGE_KEY', KEY);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await server[Symbol.asyncDispose]();
  });
  return { server, provider: providerAt(server.url, profile) };
}

export function providerAt(url: string, profile: object = {}): Provider {
  const given = {
    url,
    keyVariable: 'JUDGE_KEY',
    deadlineMs: DEADLINE_MS,
    prices: { 'judge-1': { prompt: 1, completion: 2 } },
    ...profile,
  };
  return openProvider(ProviderProfile.parse(given), 'fake');
}

/** What a call comes to, an error that is thrown too. */
export async function cameOf(
  provider: Provider,
  { signal } = new AbortController(),
): Promise<unknown> {
  try {
    return await provider.chat(request, signal);
  } catch (error) {
    return error;
  }
}
