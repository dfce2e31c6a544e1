import Table from 'cli-table3';
import type { Spread } from '../loop/figures.ts';
import type { Metrics } from './metrics.ts';
import type { Point } from './point.ts';
import { LANES } from './setup.ts';
import { TEXTS } from './units.ts';

/** Ratios first; CPU shares are of a provider's time, which a verdict takes at the least. */
export function pointsTable(points: readonly Point[]): string {
  const table = new Table({
    head: [
      'of ideal',
      'CPU of judges / + bus, of engine time',
      'provider',
      'judges',
      'verdicts/s (ideal)',
      'CPU ms a verdict: judges, nats-server',
      'bytes on the bus a verdict',
      'all lanes busy after',
      'cores busy elsewhere',
    ],
    style: { head: [], border: [] },
  });
  for (const point of points) {
    const {
      processes,
      latencyMs,
      verdictsPerSecond,
      ideal,
      cpu,
      busBytes,
      warmUpMs,
      coresOfOthers,
    } = point;
    const { judges = Number.NaN, 'nats-server': bus = Number.NaN } = cpu;
    table.push([
      ideal === null ? '–' : (verdictsPerSecond / ideal).toFixed(3),
      latencyMs === null ? '–' : `${share(judges, latencyMs)} / ${share(judges + bus, latencyMs)}`,
      latencyMs === null ? 'none (squad-f1)' : `${latencyMs} ms`,
      latencyMs === null ? `${processes}` : `${processes} x ${LANES}`,
      `${verdictsPerSecond.toFixed(1)}${ideal === null ? '' : ` (${ideal.toFixed(0)})`}`,
      `${judges.toFixed(3)}, ${bus.toFixed(3)}`,
      busBytes.toFixed(0),
      warmUpMs === null ? '–' : `${(warmUpMs / 1000).toFixed(1)} s`,
      coresOfOthers.toFixed(1),
    ]);
  }
  return table.toString();
}

/** From candidate to verdict. */
export function timesTable(points: readonly Point[]): string {
  const table = new Table({
    head: [
      'provider',
      'judges',
      'one text, quiet: ms median (min–max)',
      `unit of ${TEXTS} texts an example, all lanes busy, a quarter more offered: ms median (min–max)`,
    ],
    style: { head: [], border: [] },
    colWidths: [18, 10, 30, 50],
    wordWrap: true,
  });
  for (const { processes, latencyMs, busyMs, quietMs } of points)
    table.push([
      latencyMs === null ? 'none (squad-f1)' : `${latencyMs} ms`,
      latencyMs === null ? `${processes}` : `${processes} x ${LANES}`,
      spreadText(quietMs),
      spreadText(busyMs),
    ]);
  return table.toString();
}

/** Judges that compute beside Python. */
export function metricsTable({ measures, skipped }: Metrics): string {
  const table = new Table({
    head: ['times Python', 'judge', 'verdicts/s of a core', 'Python: answers/s of a core'],
    style: { head: [], border: [] },
  });
  for (const { type, perSecond, python } of measures)
    table.push([
      python === null ? '–' : (perSecond / python.perSecond).toFixed(1),
      type,
      whole(perSecond),
      python === null ? '–' : `${python.measure}: ${whole(python.perSecond)}`,
    ]);
  const missing =
    skipped === null
      ? ''
      : `\nPython was SKIPPED (${skipped}): name one that has the package rouge_score by --python`;
  return `${table.toString()}${missing}`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function share(ms: number, ofMs: number): string {
  return `${((100 * ms) / ofMs).toFixed(2)} %`;
}

function spreadText({ median, min, max }: Spread): string {
  return `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`;
}
