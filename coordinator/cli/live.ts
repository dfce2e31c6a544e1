import { createLogUpdate } from 'log-update';
import colors from 'picocolors';
import type { Estimate, Fact, Scores } from '../../shared/contract/facts.ts';
import { isJudgedAgain } from '../../shared/contract/ids.ts';
import type { RunTruncation } from '../../shared/contract/truncation.ts';
import type { JournalEntry } from '../curator.ts';
import { dollars } from '../dollars.ts';
import type { Progress, Watcher } from './follow.ts';

const PLAIN_EVERY_MS = 2_000;
const BAR = 24;

/** Tells a run to a person: a line for each fact, and one that moves in a terminal (every 2 s a plain one without). */
export function liveWatcher(output: NodeJS.WriteStream): Watcher & { done(): void } {
  const live = output.isTTY ? createLogUpdate(output) : undefined;
  let toldAt = 0;
  return {
    fact: ({ fact }) => {
      live?.clear();
      output.write(`${factLine(fact)}\n`);
      toldAt = 0;
    },
    progress: (progress) => {
      const line = progressLine(progress);
      if (live !== undefined) {
        live(line);
        return;
      }
      if (performance.now() - toldAt < PLAIN_EVERY_MS) return;
      toldAt = performance.now();
      output.write(`${line}\n`);
    },
    done: () => {
      live?.clear();
    },
  };
}

/** One JSON event a line, for programs. */
export function jsonWatcher(output: NodeJS.WriteStream): Watcher {
  return {
    fact: ({ position, fact, at }: JournalEntry) => {
      output.write(`${JSON.stringify({ event: fact.fact, position, at, ...withoutName(fact) })}\n`);
    },
    progress: (progress) => {
      output.write(`${JSON.stringify({ event: 'progress', ...progress })}\n`);
    },
  };
}

function withoutName(fact: Fact): object {
  const { fact: _name, ...rest } = fact;
  return rest;
}

function truncated(truncation: RunTruncation | undefined): string {
  const counts = Object.values(truncation?.datasets ?? {});
  const [shortened, refused] = (['shortened', 'refused'] as const).map((what) =>
    counts.reduce((sum, count) => sum + count[what], 0),
  );
  return [
    ...(shortened === 0 ? [] : [`, ${shortened} contexts shortened`]),
    ...(refused === 0 ? [] : [`, ${refused} rows left out as too long`]),
  ].join('');
}

function factLine(fact: Fact): string {
  switch (fact.fact) {
    case 'run.opened':
      return `run ${colors.bold(fact.run)} opened: ${fact.file.datasets.length} datasets, ${fact.file.judges.length} judges, at most ${fact.file.rounds.max} rounds${truncated(fact.truncation)}`;
    case 'round.opened':
      return colors.bold(`round ${fact.round}`) + ` samples checkpoint ${short(fact.incumbent)}`;
    case 'dataset.sealed':
      return (
        `  ${fact.step}: dataset ${short(fact.dataset)} sealed, ${fact.rows} rows` +
        (fact.candidates.planned === 0
          ? ''
          : ` kept from ${fact.candidates.scored} scored candidates of ${fact.candidates.planned}`)
      );
    case 'checkpoint.published':
      return `  ${fact.step}: checkpoint ${short(fact.checkpoint)} published`;
    case 'evaluation.finished':
      return `  ${fact.step}: dev faithfulness ${mean(fact.dev.faithfulness.seen)}, instruction ${mean(fact.dev.instruction)}, task ${mean(fact.dev.task)}${duels(fact.dev.pairs)}${isJudgedAgain(fact.step) ? ', judged again for a new score epoch' : ''}`;
    case 'decision.made':
      return `  ${fact.decision === 'promote' ? colors.green('promote') : colors.yellow(fact.decision)}: ${fact.reason}`;
    case 'checkpoints.released':
      return `  ${fact.step}: not needed any more: checkpoint ${fact.checkpoints.map(short).join(', ')}`;
    case 'run.paused':
      return colors.yellow(`paused: ${fact.reason}`);
    case 'run.resumed':
      return 'resumed';
    case 'run.finished':
      return colors.bold(`finished (${fact.stopped}): ${fact.reason}`);
  }
}

function progressLine(progress: Progress): string {
  if ('at' in progress) {
    const { step, phase, at, of, loss, tokensPerSecond } = progress;
    const figures = [
      loss === null ? '' : `loss ${loss.toFixed(3)}`,
      tokensPerSecond === null ? '' : `${Math.round(tokensPerSecond)} tokens/s`,
    ];
    return `  ${step}: ${phase} ${bar(at, of)} ${figures.filter(Boolean).join(', ')}`;
  }
  const queues = Object.entries(progress.queues).map(
    ([queue, { planned, answered }]) => `${queue} ${answered}/${planned}`,
  );
  const planned = sum(Object.values(progress.queues).map((queue) => queue.planned));
  const answered = sum(Object.values(progress.queues).map((queue) => queue.answered));
  const unscored = sum(Object.values(progress.unscored));
  const spent = progress.usd === 0 ? '' : `, ${dollars(progress.usd)}`;
  return `  ${progress.step}: ${progress.phase} ${bar(answered, planned)} ${queues.join(', ')}${spent}${unscored === 0 ? '' : colors.yellow(`, ${unscored} unscored`)}`;
}

function bar(at: number, of: number): string {
  const filled = of === 0 ? 0 : Math.round((BAR * at) / of);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${at}/${of}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(estimate: Estimate | null): string {
  return estimate === null ? 'none' : estimate.mean.toFixed(3);
}

/** What the judges of pairs decided, over all datasets. */
function duels(pairs: Scores['pairs'] = {}): string {
  return Object.entries(pairs)
    .map(([judge, datasets]) => {
      const all = Object.values(datasets);
      const times = (key: 'wins' | 'ties' | 'losses'): number => sum(all.map((one) => one[key]));
      return `, ${judge} won ${times('wins')}, tied ${times('ties')}, lost ${times('losses')}`;
    })
    .join('');
}

function short(digest: string): string {
  return digest.slice(0, 8);
}
