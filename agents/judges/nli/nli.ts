/** Probabilities in [0, 1] of entailment and contradiction; what is left is neutral. */
export interface NliVerdict {
  readonly ent: number;
  readonly con: number;
}

/** Premise and hypothesis. */
export type NliPair = readonly [premise: string, hypothesis: string];

/** A model for natural language inference. Every call throws TransientError while it is away, and PermanentError where it cannot be used as it is configured. */
export interface NliModel {
  /** All that can move its values, as JSON: model, revision, truncation. Asked once. */
  identity(signal: AbortSignal): Promise<unknown>;
  /** In the order of the pairs. */
  classify(pairs: readonly NliPair[], signal: AbortSignal): Promise<NliVerdict[]>;
}
