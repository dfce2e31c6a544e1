import { expect, test } from 'vitest';
import { z } from 'zod';
import { fillCommand, valuesOf } from '../../agents/sampler/servers/switch/placeholders.ts';
import { PermanentError } from '../../shared/contract/failure.ts';
import { ServerProfile } from '../../shared/contract/peer.ts';

const url = 'http://127.0.0.1:8000/v1';

test('one address is as good as a list, and none counts twice', () => {
  expect(ServerProfile.parse({ driver: 'vllm', url }).url).toEqual([url]);
  expect(ServerProfile.parse({ driver: 'vllm', url: [url, url] }).url).toEqual([url]);
});

test.each([
  [{ by: 'child', command: ['vllm', 'serve'] }, 'say {checkpoint} where its folder belongs'],
  [
    { by: 'command', command: ['deploy.sh', '{model}'] },
    '{model} stands for nothing: there are {checkpoint}, {name}, {host}, {port}',
  ],
])('a switch that cannot work is refused with what to write: %j', (by, message) => {
  const parsed = ServerProfile.safeParse({ driver: 'vllm', url, switch: by });
  expect(parsed.success).toBe(false);
  expect(parsed.error && z.prettifyError(parsed.error)).toContain(message);
});

test('a switch of another engine is refused with those of this one', () => {
  const parsed = ServerProfile.safeParse({ driver: 'llamacpp', url, switch: { by: 'disk' } });
  expect(parsed.error?.message).toContain(
    'llamacpp cannot be switched by disk, but by command or child',
  );
});

test('tinylm needs no switch', () => {
  const parsed = ServerProfile.safeParse({ driver: 'tinylm', url, switch: { by: 'lora' } });
  expect(parsed.error?.message).toContain('leave the switch out');
});

test('a command is filled word by word', () => {
  const values = valuesOf(
    'https://gpu:8443/v1',
    'reset-a-1234',
    '/data/check points'.replace(' ', '-'),
  );
  const command = ['serve', '{checkpoint}', '--listen={host}:{port}', '{"a": {}}', '{name}'];
  expect(fillCommand(command, values)).toEqual([
    'serve',
    '/data/check-points',
    '--listen=gpu:8443',
    '{"a": {}}',
    'reset-a-1234',
  ]);
});

test.each(['/a b', '/a;reboot', '$(id)', '--load', '/a\nb', ''])(
  'a value that is no plain name or path fills no command: %j',
  (checkpoint) => {
    expect(() => fillCommand(['serve'], valuesOf(url, 'name', checkpoint))).toThrow(PermanentError);
  },
);
