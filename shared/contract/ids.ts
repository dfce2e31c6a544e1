import { hash } from 'node:crypto';
import { z } from 'zod';

/** A name that is safe as one token of a subject, as a file name and as a key: `[a-z0-9-]`, at most 64 characters. */
export const Id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'use a-z, 0-9 and "-", at most 64 characters');

/** The hex sha256 of a manifest, a file or a sealed dataset. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/** A shortened sha256 (128 bits) that names an example, a candidate or a text. */
export const ShortDigest = z.string().regex(/^[0-9a-f]{32}$/);

/** Parts of a run's data: trained on, decided on, reported on. */
export const Split = z.enum(['train', 'dev', 'test']);
export type Split = z.infer<typeof Split>;

/** JSON with sorted keys and no white space, so that equal values have equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Hex sha256 of bytes, or of the UTF-8 of a text. */
export function sha256(bytes: string | Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/** Hex sha256 of the canonical JSON of `value`. */
export function digestOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

function shortDigestOf(...parts: readonly unknown[]): string {
  // Plain texts and numbers, the common case by far, are their own canonical form.
  const plain = parts.every((part) => typeof part !== 'object' || part === null);
  return (plain ? sha256(JSON.stringify(parts)) : digestOf(parts)).slice(0, 32);
}

/** What makes an example the example it is (design §5). Two equal rows are one example. */
export interface ExampleIdentity {
  dataset: string;
  instruction: string | null;
  history?: readonly unknown[] | undefined;
  context: string | null;
  question: string | null;
  references: readonly string[];
  constraints?: readonly unknown[] | undefined;
}

export function exampleId(example: ExampleIdentity): string {
  const { dataset, instruction, history, context, question, references, constraints } = example;
  const parts = [dataset, instruction, context, question, references];
  const more =
    history !== undefined
      ? [constraints ?? null, history]
      : constraints !== undefined
        ? [constraints]
        : [];
  return digestOf([...parts, ...more]).slice(0, 32);
}

/** One generation: (run seed, checkpoint, example, cell, index within the cell). */
export function candidateId(
  seed: number,
  checkpoint: string,
  example: string,
  cell: string,
  index: number,
): string {
  return shortDigestOf(seed, checkpoint, example, cell, index);
}

/** The seed of a candidate's request: the first 31 bits of sha256(candidate). */
export function requestSeed(candidate: string): number {
  return Number.parseInt(sha256(candidate).slice(0, 8), 16) >>> 1;
}

/** Names a text among the candidates of an example: equal texts are judged once. */
export function textId(text: string): string {
  return shortDigestOf(text);
}

/** Names a canary among the texts that a judge is asked about; never the id of a text, so that no candidate is taken for one. */
export function canaryId(name: string): string {
  return shortDigestOf('canary', name);
}

/** Names the second question about a text, given by its `textId`. */
export function repeatId(text: string): string {
  return shortDigestOf('repeat', text);
}

/** Names the start's answer, given by its `textId`, where a judge of a later round is asked about it again. */
export function anchorId(text: string): string {
  return shortDigestOf('anchor', text);
}

interface VerdictKeyOptions {
  readonly repeat?: number | undefined;
  readonly since?: string | undefined;
  readonly opponent?: string | undefined;
}

/**
 * Key of a stored verdict: `<fingerprint>-<digest of example and text>`. A judge is its fingerprint, never a model's name. `repeat` is not
 * there for the first time that it is asked; `since` names from when on its answers count, where that is not always; `opponent` is there
 * where the text is compared with an answer that is no part of the example.
 */
export function verdictKey(
  fingerprint: string,
  example: string,
  text: string,
  { repeat, since, opponent }: VerdictKeyOptions = {},
): string {
  const parts: (string | number)[] =
    repeat === undefined ? [example, text] : [example, text, repeat];
  if (since !== undefined) parts.push('since', since);
  if (opponent !== undefined) parts.push('against', opponent);
  return `${fingerprint}-${shortDigestOf(...parts)}`;
}

/**
 * Steps of a run: `start-0`, `start-1` … train the starting checkpoint; `r0` evaluates it; `r1` … are the rounds. `r0-again-1` judges the
 * answers of `r0` again, by the judges as they are then.
 */
export const Step = z.string().regex(/^(start-\d+|r\d+(-again-\d+)?)$/);

export function stepOfRound(round: number): string {
  return `r${round}`;
}

export function stepAgain(step: string, time: number): string {
  return `${step}-again-${time}`;
}

/** The step whose answers an evaluation judges: that of `r0-again-1` is `r0`, any other is its own. */
export function answeredStep(step: string): string {
  return step.replace(/-again-\d+$/, '');
}

/** Whether an evaluation judges answers that were judged before. */
export function isJudgedAgain(step: string): boolean {
  return step !== answeredStep(step);
}

/** A unit's name, such as `r3-train-s0042`; `-e07` is one example of the slice. */
export const UnitId = z.string().regex(/^r\d+(-again-\d+)?-(train|dev|test)-s\d{4,}(-e\d+)?$/);

/** One example of a slice as a unit of its own, such as `r3-train-s0042-e07`; `at` counts from 0. */
export function exampleUnit(slice: string, at: number): string {
  return `${slice}-e${String(at).padStart(2, '0')}`;
}

/** The slice that a unit is, or is one example of; `at` is null for the whole slice. */
export function sliceOf(unit: string): { slice: string; at: number | null } {
  const [, slice = unit, at] = /^(.+-s\d+)-e(\d+)$/.exec(unit) ?? [];
  return { slice, at: at === undefined ? null : Number(at) };
}

export function unitId(step: string, split: Split, slice: number): string {
  return `${step}-${split}-s${String(slice).padStart(4, '0')}`;
}
