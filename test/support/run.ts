import type { z } from 'zod';
import type { Example } from '../../shared/contract/example.ts';
import { exampleId } from '../../shared/contract/ids.ts';
import { RunFile } from '../../shared/contract/run-file.ts';

/** A run of one extractive and one instruction dataset, read from a run file; `changes` replace its top-level keys. */
export function makeRunFile(changes: Partial<z.input<typeof RunFile>> = {}): RunFile {
  return RunFile.parse({
    run: 'test',
    seed: 7,
    model: { base: 'scratch', template: 'plain' },
    sampling: { server: 'local', maxTokens: 16 },
    datasets: [
      { name: 'span', kind: 'extractive_qa', train: 'span.train.jsonl', dev: 'span.dev.jsonl' },
      { name: 'instruct', kind: 'instruction', train: 'instruct.train.jsonl' },
      { name: 'strange', kind: 'extractive_qa', test: 'strange.test.jsonl' },
    ],
    judges: [
      { name: 'em', axis: 'task', type: 'exact-match' },
      { name: 'span', axis: 'faithfulness', type: 'span-coverage' },
      { name: 'rules', axis: 'instruction', type: 'verifiable' },
    ],
    training: { backend: 'tinylm', learningRate: 1e-3, batchSize: 8, steps: 1 },
    rounds: { max: 2, gate: { bootstrap: 100 } },
    ...changes,
  });
}

/** A whole extractive example; equal `changes` make equal ids. */
export function makeExample(changes: Partial<Omit<Example, 'id'>> = {}): Example {
  const fields = {
    dataset: 'span',
    kind: 'extractive_qa' as const,
    instruction: null,
    context: 'Ada lives in Oslo.',
    question: 'Where does Ada live?',
    references: ['Oslo'],
    ...changes,
  };
  return { id: exampleId(fields), ...fields };
}

/** `count` examples that differ in context and question. */
export function makeExamples(count: number, changes: Partial<Omit<Example, 'id'>> = {}): Example[] {
  return Array.from({ length: count }, (_, index) =>
    makeExample({
      context: `Person ${index} lives in Oslo.`,
      question: `Where does person ${index} live?`,
      ...changes,
    }),
  );
}

/** `count` instruction examples. */
export function makeInstructions(count: number, dataset = 'instruct'): Example[] {
  return Array.from({ length: count }, (_, index) =>
    makeExample({
      dataset,
      kind: 'instruction',
      instruction: `Say ${index}.`,
      context: null,
      question: null,
      references: [`${index}`],
      constraints: [{ type: 'required', words: [`${index}`] }],
    }),
  );
}
