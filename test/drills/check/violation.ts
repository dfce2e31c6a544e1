/** A broken invariant of reliability.md §10, or `identity`: what an undisturbed run has and this one has not. */
export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I9' | 'identity';
  /** Names the place, and what is there and what should be. */
  readonly what: string;
}

/** Collects the violations of one invariant. */
export function finder(invariant: Violation['invariant']) {
  const found: Violation[] = [];
  return {
    found,
    /** Notes a violation unless `holds`. */
    expect: (holds: boolean, what: () => string): void => {
      if (!holds) found.push({ invariant, what: what() });
    },
  };
}
