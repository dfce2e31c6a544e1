/** Numbers as Python 3.11 reads them, for parsers that must agree with programs written in it. */
import { space } from './normalise.ts';

/**
 * `ast.literal_eval` of a text that matches `\d+\.?\d*`, which in Python takes decimal digits of all scripts. Null where it raises: digits
 * that are not ASCII, an integer with a leading zero such as `07`; and where a double cannot hold it: an integer above 2^53, a float that
 * is infinite.
 */
export function literalNumber(text: string): number | null {
  if (!/^\d+(?:\.\d*)?$/.test(text)) return null;
  const value = Number(text);
  if (text.includes('.')) return Number.isFinite(value) ? value : null;
  return /^(?:0+|[1-9]\d*)$/.test(text) && Number.isSafeInteger(value) ? value : null;
}

const digits = String.raw`\d+(?:_\d+)*`;
const number = new RegExp(
  `^[+-]?(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:e[+-]?${digits})?$`,
  'i',
);
const infinity = /^([+-]?)inf(?:inity)?$/i;
const notANumber = /^[+-]?nan$/i;

/** `float` takes no information separators for white space, unlike `str.split`. */
const blank = `(?:(?![\\x1c-\\x1f])[${space}])`;
const padding = new RegExp(`^${blank}+|${blank}+$`, 'gu');

/** Python's `float(text)`: also `1e3`, `1_000`, `inf`, `nan` and digits of all scripts. Null where it raises. */
export function float(text: string): number | null {
  const plain = text.replace(padding, '').replace(/\p{Nd}/gu, asciiDigit);
  if (number.test(plain)) return Number(plain.replaceAll('_', ''));
  if (notANumber.test(plain)) return Number.NaN;
  const [, sign] = infinity.exec(plain) ?? [];
  if (sign === undefined) return null;
  return sign === '-' ? -Infinity : Infinity;
}

/** Unicode gives the digits of a script in runs of ten from 0 to 9, so the distance to where the runs begin tells the digit. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let distance = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(code - distance - 1))) distance += 1;
  return String(distance % 10);
}
