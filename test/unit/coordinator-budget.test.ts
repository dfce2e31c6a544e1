import { describe, expect, test } from 'vitest';
import { pauseOfBudget } from '../../coordinator/decision/budget.ts';
import { nextOf } from '../../coordinator/decision/next.ts';
import type { Fact } from '../../shared/contract/facts.ts';
import { wholeJournal } from '../support/journal.ts';

const HOUR = 3600;

/** The journal's first fact, with a budget. */
function opened(gpuHours?: number): Fact {
  const [first] = wholeJournal;
  if (first?.fact !== 'run.opened') throw new Error('a journal begins with run.opened');
  const budget = gpuHours === undefined ? undefined : { gpuHours };
  return { ...first, file: { ...first.file, budget } };
}

describe('a budget of GPU-hours', () => {
  test('that has something left lets a training begin', () => {
    expect(pauseOfBudget([opened(2)], 2 * HOUR - 1)).toBeUndefined();
    expect(pauseOfBudget([opened()], 1000 * HOUR)).toBeUndefined();
  });

  test('that is used up pauses the run, and tells what resuming grants but no duration', () => {
    const pause = pauseOfBudget([opened(2)], 2 * HOUR);
    expect(pause).toEqual({
      fact: 'run.paused',
      reason: 'budget: 2 GPU-hours are used up (budget.gpuHours); resume grants 2 more',
      budget: 'gpuHours',
    });
    expect(nextOf([opened(2), pause ?? opened()])).toMatchObject({ kind: 'paused' });
  });

  test('is granted once more by each resume after such a pause, and by no other', () => {
    const pause = pauseOfBudget([opened(2)], 2 * HOUR) ?? opened();
    const byUser: Fact = { fact: 'run.paused', reason: 'asked by the user' };
    const resumed: Fact = { fact: 'run.resumed' };
    const journal = [opened(2), byUser, resumed, pause, resumed];
    expect(pauseOfBudget(journal, 3 * HOUR)).toBeUndefined();
    expect(pauseOfBudget(journal, 4 * HOUR)?.reason).toContain('2 times 2 GPU-hours');
    expect(pauseOfBudget(journal.slice(0, 3), 3 * HOUR)).toBeDefined();
  });
});
