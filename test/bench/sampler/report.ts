import Table from 'cli-table3';
import { type Measured, type Point, type SourceName, sources } from './point.ts';

/** Of the sampler to node:http. */
const AIM = 0.97;

/** Each source beside the raw one of the same point; the steady rates first. */
export function pointsTable(points: readonly Point[]): string {
  const table = new Table({
    head: [
      `of raw (aim ${AIM})`,
      'whole run',
      'source',
      'samples',
      'slots',
      'mean sample',
      'tokens/s',
      'samples/s',
      'slots busy',
      'passes',
      'CPU ms a sample: source, bus',
      'p50, p95 ms',
      'cores of others',
    ],
    style: { head: [], border: [] },
    colWidths: [8, 7, 9, 9, 9, 9, 10, 11, 7, 8, 13, 14, 8],
    wordWrap: true,
  });
  for (const point of points) for (const source of sources) table.push(rowOf(point, source));
  return table.toString();
}

function rowOf({ kind, slots, servers, latencyMs, by }: Point, source: SourceName): string[] {
  const one = by[source];
  return [
    ...ratiosOf(one, by.raw),
    source,
    kind,
    servers === 1 ? `${slots}` : `${servers} x ${slots}`,
    `${latencyMs} ms`,
    one.tokensPerSecond.toFixed(0),
    one.samplesPerSecond.toFixed(1),
    one.busy.toFixed(2),
    one.passes.toFixed(2),
    `${one.cpu.asking.toFixed(2)}, ${one.cpu.bus.toFixed(2)}`,
    `${one.p50Ms.toFixed(0)}, ${one.p95Ms.toFixed(0)}`,
    one.coresOfOthers.toFixed(1),
  ];
}

function ratiosOf(one: Measured, raw: Measured): [steady: string, whole: string] {
  return [
    (one.tokensPerSecond / raw.tokensPerSecond).toFixed(3),
    (one.samplesPerSecond / raw.samplesPerSecond).toFixed(3),
  ];
}
