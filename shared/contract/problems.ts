import { closest } from 'fastest-levenshtein';
import { z } from 'zod';

/** An object that refuses keys it does not know and names the nearest known one: a typo must not be a silent default. */
export function closedObject<TShape extends z.core.$ZodLooseShape>(shape: TShape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownName('key', key, known)).join('; ')
        : undefined,
  });
}

/** Says that `name` is no known key, judge type or other `thing`, and which known one is nearest. */
export function unknownName(thing: string, name: string, known: readonly string[]): string {
  if (known.length === 0) return `unknown ${thing} "${name}": there are none here`;
  return `unknown ${thing} "${name}", the nearest known one is "${closest(name, known)}"`;
}

/** What does not fit a schema, in one line: `judges.0.version: …; rounds.max: …`. */
export function problemsOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}
