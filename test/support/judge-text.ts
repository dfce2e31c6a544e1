/** Texts for the parsers of what judge models write. */
import * as fc from 'fast-check';

/** Any UTF-16 at all, lone surrogates included. */
export const anyText = fc.string({ unit: 'binary', maxLength: 20 });

const number = fc.oneof(
  fc.integer({ min: -1, max: 12 }).map(String),
  fc.double({ noNaN: true }).map(String),
  fc.constantFrom('8.', '.5', '07', '1e3', '-1', 'NaN', 'inf', '10/10', '٧', '７', '7٫5', '100'),
  fc.bigInt({ min: 0n }).map(String),
);
const verdict = fc.oneof(number, fc.constantFrom('A', 'B', 'C', 'tie', 'seven', '', ' 7 ', '7\n'));

/** Judge texts by a grammar: verdicts, pairs, citations and quotes of them, whole and broken, between words and any text. */
export const judgeText = fc
  .array(
    fc.oneof(
      verdict.map((inside) => `[[${inside}]]`),
      verdict.map((inside) => `[${inside}]`),
      verdict.map((inside) => `"Rating: [[${inside}]]"`),
      fc.tuple(number, number).map(([a, b]) => `[[${a},${b}]]`),
      fc
        .tuple(number, fc.constantFrom(' ', ',', ', ', '\t'), number)
        .map((parts) => parts.join('')),
      number,
      fc.constantFrom(
        '[1]',
        'Rating: ',
        '[[',
        ']]',
        '[',
        ']',
        '\n',
        ' ',
        ',',
        '10/10',
        '[[1]](#a)',
      ),
      anyText,
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));
