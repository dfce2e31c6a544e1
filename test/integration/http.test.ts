import { expect, test } from 'vitest';
import { serveHttp } from '../../shared/process/http.ts';
import { registry, showPhase } from '../../shared/process/metrics.ts';

const loopback = { host: '127.0.0.1', port: 0, registry };

test('a peer serves its metrics, that it lives, and whether it is ready', async () => {
  let ready = false;
  const server = await serveHttp({ ...loopback, ready: () => ready });
  showPhase('judging');
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('reset_phase{phase="judging"} 1');
  expect(metrics).toContain('reset_phase{phase="sampling"} 0');
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
  ready = true;
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect((await fetch(`${server.url}/else`)).status).toBe(404);
  await server.close();
});

test('a taken port is named, with what to do', async () => {
  const server = await serveHttp({ ...loopback, ready: () => true });
  const port = Number(new URL(server.url).port);
  const second = serveHttp({ ...loopback, port, ready: () => true });
  await expect(second).rejects.toThrow(new RegExp(`:${port}: .*RESET_HTTP_PORT`));
  await server.close();
});

test('every metric has the prefix and few labels', async () => {
  const metrics = await registry.getMetricsAsJSON();
  expect(metrics.length).toBeGreaterThan(10);
  for (const { name } of metrics) expect(name).toMatch(/^reset_[a-z_]+$/);
});
