/** Messages made from the plan: each is a function of the run file, the plan and the ledger, so an offer can be repeated. */
import type { Example } from '../../../shared/contract/example.ts';
import type { JudgeSpec, RunFile } from '../../../shared/contract/run-file.ts';
import type {
  AskedText,
  Generation,
  JudgeUnit,
  SampleRequest,
  SampleUnit,
} from '../../../shared/contract/work.ts';
import { judgesAsked } from '../../../shared/scoring/weigh.ts';
import { renderPrompt } from '../dataset/template.ts';
import type { PlannedUnit } from './cut.ts';
import { textsAsked } from '../step/unit.ts';
import { textIdOf } from '../text-id.ts';
import { canariesOf } from './canaries.ts';
import { anchorId, repeatId, textId } from '../../../shared/contract/ids.ts';

/** An example of a unit, with what was sampled for it. */
export interface SampledExample {
  readonly example: Example;
  readonly generations: readonly Generation[];
  /** What the judge compares the texts with, where that is another checkpoint's answer. */
  readonly opponent?: string | undefined;
}

/** The name under which a model server has to serve exactly this checkpoint; an Id. */
export function servedName(run: string, checkpoint: string): string {
  const suffix = `-${checkpoint.slice(0, 8)}`;
  return `reset-${run}`.slice(0, 64 - suffix.length) + suffix;
}

/**
 * The sampling unit. `examples` are those of the plan, in its order; `requestsOf` has the planned requests of one, by its id; `window` is what
 * contexts were shortened to, if any was.
 */
export function sampleUnit(
  file: RunFile,
  checkpoint: string,
  planned: PlannedUnit,
  examples: readonly Example[],
  requestsOf: (example: string) => SampleRequest[],
  window?: number,
): SampleUnit {
  const { run, sampling, model } = file;
  return {
    kind: 'sample',
    run,
    unit: planned.unit,
    split: planned.split,
    server: sampling.server,
    checkpoint,
    servedName: servedName(run, checkpoint),
    maxTokens: sampling.maxTokens,
    ...(window === undefined ? {} : { window }),
    ...(model.chat === undefined
      ? {}
      : { stop: { text: model.chat.end, tokens: model.chat.ends } }),
    items: examples.map((example) => ({
      example: example.id,
      prompt: renderPrompt(model, example),
      requests: requestsOf(example.id),
    })),
  };
}

/**
 * The judging unit of the same slice for one judge: what it is asked about each example to which it applies, the distinct texts in grid
 * order, then its probes; undefined where there is nothing to judge. `since` is the attempt from which on its answers count, if not always.
 */
export function judgeUnit(
  file: RunFile,
  planned: PlannedUnit,
  judge: JudgeSpec,
  sampled: readonly SampledExample[],
  since?: number,
): JudgeUnit | undefined {
  const items = sampled.map(({ example, generations }) => ({ example: example.id, generations }));
  const asked = new Map(
    textsAsked(judge, file.select, planned, { items }).map(({ example, keys }) => [example, keys]),
  );
  const units = sampled
    .filter(
      ({ example }) =>
        judgesAsked(example.kind, planned.split, { judges: [judge], score: file.score }).length > 0,
    )
    .map(({ example, generations, opponent }) => {
      const known = textsById(generations);
      const probes = planned.probes?.[judge.name];
      if (probes !== undefined) {
        const prompt = renderPrompt(file.model, example);
        addProbes(known, judge, prompt, probes.anchors?.[example.id]);
      }
      const texts = (asked.get(example.id) ?? []).flatMap((id) => known.get(id) ?? []);
      return { example, texts, ...(opponent === undefined ? {} : { opponent }) };
    })
    .filter(({ texts }) => texts.length > 0);
  if (units.length === 0) return undefined;
  return {
    kind: 'judge',
    run: file.run,
    unit: planned.unit,
    judge,
    ...(since === undefined ? {} : { since }),
    items: units,
  };
}

function textsById(generations: readonly Generation[]): Map<string, AskedText> {
  const texts = new Map<string, AskedText>();
  for (const generation of generations) {
    if (generation.outcome !== 'generated') continue;
    const id = textIdOf(generation);
    texts.set(id, { id, text: generation.text });
  }
  return texts;
}

/** Adds to the texts of an example all else that a judge can be asked about it. */
function addProbes(
  texts: Map<string, AskedText>,
  judge: JudgeSpec,
  prompt: string,
  anchor: string | undefined,
): void {
  const again = Array.from(texts.values(), ({ id, text }) => ({
    id: repeatId(id),
    text,
    repeat: 1,
  }));
  for (const asked of again) texts.set(asked.id, asked);
  if (anchor !== undefined) {
    const id = anchorId(textId(anchor));
    texts.set(id, { id, text: anchor, repeat: 1 });
  }
  for (const { id, text } of canariesOf(judge)) texts.set(id, { id, text: text ?? prompt });
}
