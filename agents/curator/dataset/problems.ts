import { PermanentError } from '../../../shared/contract/failure.ts';

/** Gathers what is wrong with the user's files, so that one attempt shows all of it. */
export interface Problems {
  /** `problem` begins with its place. Throws at once when the limit is reached. */
  add(problem: string): void;
  /** Throws a PermanentError that lists the problems, if there are any. */
  finish(): void;
}

/** `title` says what cannot be done because of them, such as `the datasets of run demo cannot be used`. */
export function collectProblems(title: string, limit = 20): Problems {
  const found: string[] = [];
  function fail(end: string): never {
    throw new PermanentError(`${title}:\n${found.map((line) => `- ${line}`).join('\n')}${end}`);
  }
  return {
    add(problem) {
      found.push(problem);
      if (found.length >= limit) fail(`\n(stopped after ${limit}; there may be more)`);
    },
    finish() {
      if (found.length > 0) fail('');
    },
  };
}
