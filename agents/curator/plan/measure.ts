/** The sizes of what the judges of a run are asked about, for an estimate: they follow from the run file and the rows, as the plan does. */
import type { Example } from '../../../shared/contract/example.ts';
import { type Split, stepOfRound } from '../../../shared/contract/ids.ts';
import type { RowsMeasure } from '../../../shared/contract/measures.ts';
import type { RunFile } from '../../../shared/contract/run-file.ts';
import { judgesAsked } from '../../../shared/scoring/weigh.ts';
import type { LoadedDataset } from '../dataset/load.ts';
import { renderPrompt } from '../dataset/template.ts';
import { planAnchors } from './anchors.ts';
import { canariesOf } from './canaries.ts';
import { mostCells } from './grid.ts';
import { planProbes } from './probes.ts';
import { drawSubset } from './subset.ts';

/** Rounds are alike in how many probes they have, so the first one stands for all. */
const ROUND = 1;

/** Of each part that has rows; then of the probes of a round, and of those of its evaluation. */
export function measureRows(file: RunFile, datasets: readonly LoadedDataset[]): RowsMeasure[] {
  const parts = datasets.flatMap((dataset) =>
    (['train', 'dev', 'test'] as const)
      .filter((split) => dataset.splits[split].length > 0)
      .map((split) => measurePart(file, dataset, split)),
  );
  return [...parts, ...measureProbes(file, datasets), ...measureAnchors(file, datasets)];
}

function measurePart(
  { sampling }: RunFile,
  { name, kind, perRound, splits }: LoadedDataset,
  split: Split,
): RowsMeasure {
  const rows = splits[split];
  const isTrain = split === 'train';
  return {
    dataset: name,
    kind,
    split,
    perStep: isTrain ? Math.min(rows.length, perRound ?? rows.length) : rows.length,
    candidates: isTrain ? mostCells(sampling) : 1,
    ...sizesOf(rows),
  };
}

/** The canaries and repeats that a round plans. A repeat is not asked where the selection turns out certain, which nobody knows before. */
function measureProbes(file: RunFile, datasets: readonly LoadedDataset[]): RowsMeasure[] {
  const drawn = datasets.map((dataset) => ({
    dataset,
    rows: drawSubset(dataset, dataset.splits.train, file.seed, ROUND).examples,
  }));
  const kinds = new Map(datasets.map(({ name, kind }) => [name, kind]));
  const units = planProbes(
    drawn.map(({ dataset: { name }, rows }) => ({
      unit: name,
      split: 'train' as const,
      dataset: name,
      examples: rows.map(({ id }) => id),
    })),
    file,
    stepOfRound(ROUND),
    ({ dataset, split }) => {
      const kind = kinds.get(dataset);
      return kind === undefined ? [] : judgesAsked(kind, split, file);
    },
  );
  return drawn.flatMap(({ dataset: { name, kind }, rows }, at) =>
    file.judges.flatMap((judge) => {
      const own = units[at]?.probes?.[judge.name];
      const part = (ids: readonly string[] = []) => {
        const asked = rows.filter(({ id }) => ids.includes(id));
        return { dataset: name, kind, split: 'train' as const, perStep: asked.length, asked };
      };
      const canaries = canariesOf(judge);
      const shown = part(own?.canaries);
      const answer = meanBytes(
        shown.asked.flatMap((row) =>
          canaries.map(({ text }) => text ?? renderPrompt(file.model, row)),
        ),
      );
      return [
        { ...shown, candidates: canaries.length, probe: { purpose: 'canaries' as const, answer } },
        {
          ...part(own?.repeats),
          candidates: 1,
          probe: { purpose: 'repeats' as const, answer: null },
        },
      ].flatMap(({ asked, probe, ...known }): RowsMeasure[] =>
        asked.length === 0
          ? []
          : [{ ...known, ...sizesOf(asked), probe: { judge: judge.name, ...probe } }],
      );
    }),
  );
}

/** The start's answers that each judge is asked about again, if all dev rows of the seen datasets have one. */
function measureAnchors(file: RunFile, datasets: readonly LoadedDataset[]): RowsMeasure[] {
  const seen = datasets.filter(({ splits }) => splits.train.length > 0);
  const units = planAnchors(
    seen.map(({ name, splits }) => ({
      unit: name,
      split: 'dev' as const,
      dataset: name,
      examples: splits.dev.map(({ id }) => id),
    })),
    file,
    ({ dataset }) =>
      seen
        .filter(({ name }) => name === dataset)
        .flatMap(({ kind }) => judgesAsked(kind, 'dev', file)),
    new Map(seen.flatMap(({ splits }) => splits.dev.map(({ id }) => [id, '']))),
  );
  return seen.flatMap(({ name, kind, splits }, at) =>
    Object.entries(units[at]?.probes ?? {}).map(([judge, { anchors = {} }]): RowsMeasure => {
      const asked = splits.dev.filter(({ id }) => anchors[id] !== undefined);
      const probe = { judge, purpose: 'anchors' as const, answer: null };
      const counts = { perStep: asked.length, candidates: 1, ...sizesOf(asked) };
      return { dataset: name, kind, split: 'dev', ...counts, probe };
    }),
  );
}

function meanBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / Math.max(1, texts.length);
}

function sizesOf(rows: readonly Example[]): Pick<RowsMeasure, 'rows' | 'referenced' | 'bytes'> {
  return {
    rows: rows.length,
    referenced: rows.filter(({ references }) => references.length > 0).length,
    bytes: {
      instruction: bytesOf(rows, saidOf),
      context: bytesOf(rows, ({ context }) => context),
      question: bytesOf(rows, ({ question }) => question),
      reference: bytesOf(rows, ({ references: [first] }) => first),
    },
  };
}

/** The instruction with what was said before. */
function saidOf({ instruction, history = [] }: Example): string {
  const earlier = history.map(({ prompt, completion }) => `${prompt}${completion}`);
  return [...earlier, instruction ?? ''].join('');
}

function bytesOf(
  rows: readonly Example[],
  textOf: (row: Example) => string | null | undefined,
): number {
  return rows.reduce((sum, row) => sum + Buffer.byteLength(textOf(row) ?? ''), 0);
}
