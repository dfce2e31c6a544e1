import type { Fact } from './facts.ts';

/** The checkpoints that a run has released, each with the round after which it did. */
export function releasedIn(journal: readonly Fact[]): ReadonlyMap<string, number> {
  return new Map(
    journal.flatMap((fact) =>
      fact.fact === 'checkpoints.released'
        ? fact.checkpoints.map((checkpoint) => [checkpoint, fact.round] as const)
        : [],
    ),
  );
}

/** To stand behind a checkpoint's name. Another run that needs it may have kept it on disk. */
export function releasedWords(round: number | undefined): string {
  return round === undefined ? '' : ` (not kept after round ${round})`;
}
