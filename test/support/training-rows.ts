import { writeFile } from 'node:fs/promises';
import type { TrainingRow } from '../../shared/tinylm/train/data.ts';

const WORDS = ['red', 'blue', 'green', 'black', 'white', 'brown'];
const THINGS = ['cat', 'dog', 'hat', 'car', 'tree', 'door', 'book', 'cup'];

/** Rows that ask for the colour of one of two things; one or two turns. */
export function colourRows(count: number): TrainingRow[] {
  return Array.from({ length: count }, (_, i) => {
    const [first = '', second = ''] = [THINGS[i % 8], THINGS[(i * 3 + 1) % 8]];
    const [one = '', two = ''] = [WORDS[(i * 5) % 6], WORDS[(i * 7 + 2) % 6]];
    const facts = `The ${first} is ${one} . The ${second} is ${two} .`;
    const turns = [
      { prompt: `${facts} What is the ${first} ?`, completion: ` ${one}` },
      { prompt: ` What is the ${second} ?`, completion: ` ${two}` },
    ];
    return { id: `row-${i}`, dataset: 'colours', turns: turns.slice(0, 1 + (i % 2)) };
  });
}

export async function writeRows(path: string, rows: readonly unknown[]): Promise<void> {
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
