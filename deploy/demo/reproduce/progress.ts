import { createLogUpdate } from 'log-update';
import type { Estimate, Fact } from '../../../shared/contract/facts.ts';
import type { RunEvent } from './carry-out.ts';
import { markdownOf } from './markdown.ts';
import type { Table } from './table.ts';

export interface Beginning {
  run: string;
  title: string;
  /** Which run it is, from 1, and of how many. */
  at: number;
  of: number;
  /** Told as soon as one run shows how fast this machine is. */
  secondsLeft: number | null;
}

/** Tells what goes on, to a person or as one JSON event a line. */
export interface Teller {
  begins(beginning: Beginning): void;
  hears(run: string, event: RunEvent): void;
  /** The answers of an evaluation were read for the table. */
  reads(evaluation: { run: string; round: number }): void;
  ends(table: Table): void;
}

export function jsonTeller(output: NodeJS.WriteStream): Teller {
  const tell = (event: object): void => {
    output.write(`${JSON.stringify(event)}\n`);
  };
  return {
    begins: (beginning) => {
      tell({ event: 'begun', ...beginning });
    },
    hears: (run, event) => {
      tell({ ...event, run });
    },
    reads: ({ run, round }) => {
      tell({ event: 'read', run, round });
    },
    ends: (table) => {
      tell({ event: 'reproduced', ...table });
    },
  };
}

/** A line for each score and decision; in a terminal one more that moves. */
export function textTeller(output: NodeJS.WriteStream): Teller {
  const live = output.isTTY ? createLogUpdate(output) : undefined;
  const tell = (line: string): void => {
    live?.clear();
    output.write(`${line}\n`);
  };
  return {
    begins: ({ run, title, at, of, secondsLeft }) => {
      const left = secondsLeft === null ? '' : `; about ${minutes(secondsLeft)} left`;
      tell(`${at}/${of} ${run}: ${title}${left}`);
    },
    hears: (run, event) => {
      const line = lineOf(event);
      if (line !== undefined) tell(`  ${line}`);
      else if (event.event === 'progress') live?.(`  ${run} ${progressOf(event)}`);
    },
    reads: ({ run, round }) => {
      live?.(`reading the answers for the table: ${run}, ${roundOf(`r${round}`)}`);
    },
    ends: (table) => {
      tell(`\n${markdownOf(table)}`);
    },
  };
}

function lineOf(event: RunEvent): string | undefined {
  const fact = { fact: event.event, ...event } as unknown as Fact;
  switch (fact.fact) {
    case 'evaluation.finished':
      return `${roundOf(fact.step)}: on dev faithfulness ${mean(fact.dev.faithfulness.seen)}, instruction ${mean(fact.dev.instruction)}, task ${mean(fact.dev.task)}`;
    case 'decision.made':
      return `${roundOf(fact.step)}: ${fact.decision}: ${fact.reason}`;
    case 'run.paused':
      return `paused: ${fact.reason}`;
    default:
      return undefined;
  }
}

function progressOf({ step, phase, at, of }: Record<string, unknown>): string {
  const share = typeof of === 'number' ? ` ${String(at)}/${of}` : '';
  return `${String(step)}: ${String(phase)}${share}`;
}

function roundOf(step: string): string {
  return step === 'r0' ? 'start' : `round ${step.slice(1)}`;
}

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function mean(estimate: Estimate | null): string {
  return estimate === null ? 'none' : estimate.mean.toFixed(3);
}
