import { expect, test, vi } from 'vitest';
import { StopError } from '../../agents/judges/stop.ts';
import type { Behaviour } from '../support/fake-openai.ts';
import { cameOf, KEY, providerAt, request, startProvider } from '../support/provider.ts';

const { signal } = new AbortController();

/** All that a logger could write of it: messages, stacks, causes, fields. */
function allOf(what: unknown): string {
  if (!(what instanceof Error)) return JSON.stringify(what);
  return [what.stack, JSON.stringify(Object.entries(what)), what.cause && allOf(what.cause)].join(
    '\n',
  );
}

test.each([
  ['missing', undefined],
  ['blank', '  '],
])('a %s key stops with the name of its variable, and nothing is sent', async (_, key) => {
  const { provider, server } = await startProvider();
  vi.stubEnv('JUDGE_KEY', key);
  await expect(provider.chat(request, signal)).rejects.toThrow(StopError);
  await expect(provider.chat(request, signal)).rejects.toThrow(/set the .* variable JUDGE_KEY/);
  expect(server.calls).toHaveLength(0);
});

test('the key is in nothing that a call leaves behind, even where the provider repeats it', async () => {
  const { provider, server } = await startProvider();
  const logged = [
    vi.spyOn(console, 'debug'),
    vi.spyOn(console, 'warn'),
    vi.spyOn(console, 'error'),
  ];
  const careless: Behaviour[] = [
    'echo-key',
    ...[400, 401, 402, 403, 404, 429].map((status) => ({
      status,
      error: { message: `Bearer ${KEY} refused`, code: 'invalid_api_key', key: KEY },
    })),
    { status: 422, error: KEY },
  ];
  for (const behaviour of careless) {
    server.script(behaviour);
    const came = allOf(await cameOf(provider));
    expect(came, JSON.stringify(behaviour)).toContain('[key]');
    expect(came, JSON.stringify(behaviour)).not.toContain('canary');
  }
  const other = await startProvider({ key: 'another' });
  const refused = await cameOf(other.provider);
  expect(allOf(refused)).toContain('Incorrect API key provided: Bearer [key]');
  expect(allOf(refused)).not.toContain('canary');
  vi.stubEnv('JUDGE_KEY', `${KEY}\nsecond line`);
  expect(allOf(await cameOf(providerAt(server.url)))).not.toContain('canary');
  for (const log of logged) expect(log).not.toHaveBeenCalled();
});
