import { expect, test } from 'vitest';
import { readEnvironment } from '../../shared/process/environment.ts';

const least = { RESET_PEER: 'judge-1', RESET_STATE: '/state', RESET_CHECKPOINTS: '/checkpoints' };

test('what is not set has a default: loopback, free ports, 30 s of ack wait', () => {
  expect(readEnvironment(least)).toEqual({
    natsUrl: 'nats://127.0.0.1:4222',
    peer: 'judge-1',
    state: '/state',
    checkpoints: '/checkpoints',
    profiles: { servers: {}, trainers: {}, providers: {}, nli: {}, scorers: {} },
    host: '127.0.0.1',
    httpPort: 0,
    grpcPort: 0,
    logLevel: 'info',
    ackWaitMs: 30_000,
  });
});

test('every problem is named at once', () => {
  const read = () => readEnvironment({ RESET_PEER: 'Judge 1', RESET_HTTP_PORT: '99999' });
  for (const name of ['RESET_PEER', 'RESET_STATE', 'RESET_CHECKPOINTS', 'RESET_HTTP_PORT']) {
    expect(read).toThrow(new RegExp(name));
  }
});

test('an address that others reach needs certificates', () => {
  expect(() => readEnvironment({ ...least, RESET_HOST: '10.0.0.7' })).toThrow(/RESET_TLS_CA/);
});

test('certificates come together', () => {
  expect(() => readEnvironment({ ...least, RESET_TLS_CA: '/ca.pem' })).toThrow(/all three or none/);
});

test('a profiles file that cannot be read is named', () => {
  const read = () => readEnvironment({ ...least, RESET_PROFILES: '/nowhere/profiles.yaml' });
  expect(read).toThrow(/RESET_PROFILES: cannot read \/nowhere\/profiles.yaml/);
});
