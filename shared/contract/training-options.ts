import { z } from 'zod';
import { closedObject } from './problems.ts';

/** Low-rank adapters in place of all weights: W + alpha / rank × B A. */
export const LoraOptions = closedObject({
  rank: z.int().positive().default(16),
  alpha: z.number().positive().default(32),
  dropout: z.number().min(0).max(1).default(0),
  /** Names of the layers that get adapters, or every linear layer but the head. */
  targets: z
    .union([z.literal('all-linear'), z.array(z.string().min(1)).min(1)])
    .default('all-linear'),
});

/**
 * What DeepSpeed's training program can be told beyond the rates that every back-end knows. `agents/trainer/deepspeed` checks the same
 * schema, as `spec.schema.json`.
 */
export const TrainingOptions = closedObject({
  /** Tokens of a row, as many as the model has positions without it. A longer one loses the end of its answer, and is refused where that is most of it. */
  maxLength: z.int().positive().optional(),
  /** Loss on completions only; false learns the prompts too. */
  completionOnly: z.boolean().default(true),
  /** Level of NEFTune's noise on the embeddings (arXiv 2310.05914); 5 is usual. */
  neftuneAlpha: z.number().positive().optional(),
  lora: LoraOptions.optional(),
  /** Stage of ZeRO: 2 shards gradients and the optimiser's state, 3 the weights too. */
  zero: z.literal([2, 3]).default(3),
  /** Computes in bfloat16 over float32 master weights; false computes in float32. */
  bf16: z.boolean().default(true),
  /** Recomputes activations in the backward pass: less memory, about a third slower. */
  gradientCheckpointing: z.boolean().default(true),
  /** Measures the loss on dev so often, beside where `pick` and the end need it. */
  evaluateEverySteps: z.int().positive().optional(),
});
export type TrainingOptions = z.infer<typeof TrainingOptions>;
