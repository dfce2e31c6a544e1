/** One thing that doctor looked at. */
export interface Finding {
  check: string;
  ok: boolean;
  found: string;
  /** What to do where it is not ok. */
  fix?: string;
}
