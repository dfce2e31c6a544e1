import Table from 'cli-table3';
import type { Memory, Resume } from './curator-memory.ts';
import { type Spread, spreadOf } from './figures.ts';

/** Rounds of the loop, each with what was measured beside it at once. */
export interface Measured {
  readonly rates: number[];
  readonly references: number[];
  /** Microseconds of processor time for each candidate, by role. */
  readonly cpu: Readonly<Record<string, number>>[];
}

export interface Part {
  readonly part: string;
  readonly durability: string;
  readonly unit: string;
  readonly beside: string;
  /** Of the rate to what stands beside it. */
  readonly aim: number;
  readonly ratio: Spread;
  readonly rate: Spread;
  readonly reference: Spread;
  readonly cpu: Readonly<Record<string, number>>;
}

/** Each ratio is of two figures that were measured one after the other, so a load on the machine moves both. */
export function partOf(
  described: Pick<Part, 'part' | 'durability' | 'unit' | 'beside' | 'aim'>,
  { rates, references, cpu }: Measured,
): Part {
  const ratios = rates.map((rate, at) => rate / (references[at] ?? Number.NaN));
  const roles = Object.keys(cpu[0] ?? {});
  return {
    ...described,
    ratio: spreadOf(ratios),
    rate: spreadOf(rates),
    reference: spreadOf(references),
    cpu: Object.fromEntries(
      roles.map((role) => [role, spreadOf(cpu.map((one) => one[role] ?? Number.NaN)).median]),
    ),
  };
}

export interface Figures {
  readonly machine: { readonly cores: number; readonly load: number };
  readonly parts: readonly Part[];
  readonly memory: readonly Memory[];
  readonly resume: readonly Resume[];
}

/** The figures for people: the ratios first. */
export function reportOf({ machine, parts, memory, resume }: Figures): string {
  return [
    ...(parts.length > 0 ? [tableOf(parts), cpuTableOf(parts)] : []),
    ...memory.map(memoryText),
    ...(resume.length > 0 ? [resumeText(resume)] : []),
    `${machine.cores} cores, load ${machine.load.toFixed(1)} at the end`,
  ].join('\n');
}

/** The ratios, then what they are made of. */
function tableOf(parts: readonly Part[]): string {
  const table = new Table({
    head: ['ratio', 'aim', 'part', 'durability', 'median (min–max)', 'beside'],
    style: { head: [], border: [] },
  });
  for (const { ratio, aim, part, durability, unit, beside, rate, reference } of parts)
    table.push([
      `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`,
      aim.toFixed(1),
      part,
      durability,
      `${spreadText(rate)} ${unit}/s`,
      `${beside}: ${spreadText(reference)}`,
    ]);
  return table.toString();
}

/** Which role takes the processor's time. */
function cpuTableOf(parts: readonly Part[]): string {
  const table = new Table({
    head: ['part', 'durability', 'µs of processor time for each candidate'],
    style: { head: [], border: [] },
  });
  for (const { part, durability, cpu } of parts) {
    const roles = Object.entries(cpu).map(([role, us]) => `${role} ${us}`);
    table.push([part, durability, roles.join(', ')]);
  }
  return table.toString();
}

function memoryText({ candidates, readyMegabytes, peakMegabytes, seconds }: Memory): string {
  return `curator memory at ${candidates} candidates: ${peakMegabytes.toFixed(0)} MB at most, ${readyMegabytes.toFixed(0)} MB before (${(candidates / seconds).toFixed(0)} candidates/s)`;
}

function resumeText(runs: readonly Resume[]): string {
  const answer = spreadOf(runs.map(({ answerSeconds }) => answerSeconds));
  const ready = spreadOf(runs.map(({ readySeconds }) => readySeconds));
  const [{ stored, candidates } = { stored: 0, candidates: 0 }] = runs;
  return `resume after kill -9 at ${stored} of ${candidates} candidates: first new answer stored after ${seconds(answer)}, serving after ${seconds(ready)}`;
}

function spreadText({ median, min, max }: Spread): string {
  if (min === max) return whole(median);
  return `${whole(median)} (${whole(min)}–${whole(max)})`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function seconds({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} s (${min.toFixed(2)}–${max.toFixed(2)})`;
}
