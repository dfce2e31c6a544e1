import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric of the system stands here; label values are from small closed sets, never ids. */
export const registry = new Registry();

/** CPU, memory and event-loop delay of the process itself. Call once in a process. */
export function collectProcessMetrics(): void {
  collectDefaultMetrics({ register: registry, prefix: 'reset_' });
}

const registers = [registry];

export const roundGauge = new Gauge({
  name: 'reset_round',
  help: 'Round in hand; 0 while the starting checkpoint is made',
  registers,
});

const PHASES = [
  'idle',
  'planning',
  'sampling',
  'judging',
  'sealing',
  'training',
  'evaluating',
  'deciding',
  'paused',
] as const;
export type Phase = (typeof PHASES)[number];

const phaseGauge = new Gauge({
  name: 'reset_phase',
  help: '1 for the phase in hand, 0 for all others',
  labelNames: ['phase'] as const,
  registers,
});

/** Shows exactly one phase. */
export function showPhase(current: Phase): void {
  for (const phase of PHASES) phaseGauge.set({ phase }, phase === current ? 1 : 0);
}

/** `axis`: instruction, faithfulness, task. `split`: dev, test. `data`: seen, unseen. An axis without data is absent, never 0. */
export const scoreGauge = new Gauge({
  name: 'reset_score',
  help: 'Mean score of the last evaluation, from 0 to 1',
  labelNames: ['axis', 'split', 'data'] as const,
  registers,
});

/** `judge`: the type of a judge. Of several judges of a type the worst; a figure that was not measured is absent, never 0. */
export const canaryGauge = new Gauge({
  name: 'reset_judge_highest_canary',
  help: 'Highest value that an answer of known low worth got in the last round, from 0 to 1',
  labelNames: ['judge'] as const,
  registers,
});

export const flipRateGauge = new Gauge({
  name: 'reset_judge_flip_rate',
  help: 'Share of the texts that were asked about twice in the last round whose values are more than 0.1 apart',
  labelNames: ['judge'] as const,
  registers,
});

export const spreadGauge = new Gauge({
  name: 'reset_judge_spread',
  help: 'Root mean square difference of two values of the same text in the last round',
  labelNames: ['judge'] as const,
  registers,
});

export const driftGauge = new Gauge({
  name: 'reset_judge_drift',
  help: "Mean difference between what was said of the start's answers in the last evaluation and at first, from -1 to 1",
  labelNames: ['judge'] as const,
  registers,
});

export const lengthCorrelationGauge = new Gauge({
  name: 'reset_judge_length_correlation',
  help: "Spearman's rho of value and length in words in the last round, from -1 to 1",
  labelNames: ['judge'] as const,
  registers,
});

export const swapConsistencyGauge = new Gauge({
  name: 'reset_judge_swap_consistency',
  help: 'Share of the pairs that were asked about in both orders whose orders agree, in the last round and evaluation',
  labelNames: ['judge'] as const,
  registers,
});

/** `axis`: as of the scores. */
export const agreementGauge = new Gauge({
  name: 'reset_judges_agreement',
  help: "Krippendorff's alpha of the judges of one axis on the texts of the last round",
  labelNames: ['axis'] as const,
  registers,
});

/** `queue`: sample, or the type of a judge. */
export const unitsMissingGauge = new Gauge({
  name: 'reset_units_missing',
  help: 'Planned units without an answer in the ledger',
  labelNames: ['queue'] as const,
  registers,
});

/** `outcome`: generated, failed. */
export const candidatesCounter = new Counter({
  name: 'reset_candidates_total',
  help: 'Candidates stored in the ledger',
  labelNames: ['outcome'] as const,
  registers,
});

/** `judge`: the type of a judge. `outcome`: scored, unscored. */
export const verdictsCounter = new Counter({
  name: 'reset_verdicts_total',
  help: 'Verdicts stored in the ledger',
  labelNames: ['judge', 'outcome'] as const,
  registers,
});

/** `judge`: the type of a judge. `cause`: as `Cause` of the contract, or other. */
export const unscoredCounter = new Counter({
  name: 'reset_unscored_verdicts_total',
  help: 'Unscored verdicts stored in the ledger, by cause',
  labelNames: ['judge', 'cause'] as const,
  registers,
});

/** `judge`: the type of a judge. `kind`: prompt, cached (prompt tokens that the provider had read before), completion. */
export const judgeTokensCounter = new Counter({
  name: 'reset_judge_tokens_total',
  help: 'Tokens of the calls behind the verdicts stored in the ledger; a verdict that was paid for before has none',
  labelNames: ['judge', 'kind'] as const,
  registers,
});

/** `judge`: the type of a judge. */
export const judgeDollarsCounter = new Counter({
  name: 'reset_judge_dollars_total',
  help: 'US dollars that the verdicts stored in the ledger have cost',
  labelNames: ['judge'] as const,
  registers,
});

/** `role`: sampler, judge. */
export const unitSeconds = new Histogram({
  name: 'reset_unit_duration_seconds',
  help: 'Time that a worker takes for one unit',
  labelNames: ['role'] as const,
  buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
  registers,
});

/** `role`: sampler, judge. */
export const refusedUnitsCounter = new Counter({
  name: 'reset_refused_units_total',
  help: 'Units that a worker gave back, to be worked by another or later',
  labelNames: ['role'] as const,
  registers,
});

/** `role`: sampler, judge. */
export const outagesCounter = new Counter({
  name: 'reset_outages_total',
  help: 'Times that a worker held a unit because what it works with was away',
  labelNames: ['role'] as const,
  registers,
});

/** `outcome`: generated, failed. */
export const generationsCounter = new Counter({
  name: 'reset_generations_total',
  help: 'Generations that a sampler got from its model server',
  labelNames: ['outcome'] as const,
  registers,
});

export const concurrencyGauge = new Gauge({
  name: 'reset_sampler_concurrency',
  help: 'Requests that a sampler may have under way at its model servers at once',
  registers,
});

/** `judge`: the type of a judge. `outcome`: scored, unscored, cached. */
export const judgementsCounter = new Counter({
  name: 'reset_judgements_total',
  help: 'Verdicts that a judge gave, or found in its cache',
  labelNames: ['judge', 'outcome'] as const,
  registers,
});

export const trainingLossGauge = new Gauge({
  name: 'reset_training_loss',
  help: 'Loss of the last training step',
  registers,
});

export const trainingStepGauge = new Gauge({
  name: 'reset_training_step',
  help: 'Training step in hand',
  registers,
});

/** `class`: as `FailureClass` of the contract. */
export const trainingFailuresCounter = new Counter({
  name: 'reset_training_failures_total',
  help: 'Attempts at training that failed, by class',
  labelNames: ['class'] as const,
  registers,
});

/** `decision`: promote, keep, stop. */
export const decisionsCounter = new Counter({
  name: 'reset_decisions_total',
  help: 'Decisions made after an evaluation',
  labelNames: ['decision'] as const,
  registers,
});

/** `kind`: work, result. */
export const malformedCounter = new Counter({
  name: 'reset_malformed_messages_total',
  help: 'Messages of the bus that did not fit their schema and were removed',
  labelNames: ['kind'] as const,
  registers,
});

/** `kind`: sample, judge. */
export const refusedResultsCounter = new Counter({
  name: 'reset_refused_results_total',
  help: 'Results that did not answer exactly what was planned',
  labelNames: ['kind'] as const,
  registers,
});

export const reconnectsCounter = new Counter({
  name: 'reset_bus_reconnects_total',
  help: 'Times the connection to the bus came back',
  registers,
});
