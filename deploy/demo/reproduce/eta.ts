/** Tells the time that is left from how long runs took here beside what the plan says they cost. */
export function createEta() {
  let seconds = 0;
  let cost = 0;
  return {
    took: (run: { seconds: number; cost: number }): void => {
      seconds += run.seconds;
      cost += run.cost;
    },
    /** For runs of this cost together; null before any run has shown how fast this machine is. */
    secondsFor: (left: number): number | null => (cost === 0 ? null : (seconds / cost) * left),
  };
}
