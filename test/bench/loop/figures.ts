import { readFile } from 'node:fs/promises';

/** A repeated measurement. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Processes of a cluster by the name of their role; several may have one name. */
export type Pids = readonly (readonly [role: string, pid: number])[];

/** /proc counts in hundredths of a second on every Linux of today. */
const TICK_SECONDS = 0.01;

/** Processor time in seconds that each role has used in its life. Linux only. */
export async function cpuSeconds(pids: Pids): Promise<ReadonlyMap<string, number>> {
  const seconds = new Map<string, number>();
  for (const [role, pid] of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in brackets and may have blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    seconds.set(role, (seconds.get(role) ?? 0) + ticks * TICK_SECONDS);
  }
  return seconds;
}

/** Processor time in seconds that this machine has used since it started, for everyone. Linux only. */
export async function machineSeconds(): Promise<number> {
  const [total = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user, nice, system, , , irq, softirq] = total.split(/\s+/).slice(1).map(Number);
  const busy = [user, nice, system, irq, softirq];
  return busy.reduce((sum: number, ticks = 0) => sum + ticks * TICK_SECONDS, 0);
}

/** Largest resident memory in MB that a process has had. Linux only. */
export async function peakMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no VmHWM`);
  return Number(kilobytes) / 1024;
}
