import type { ServedModel } from '../driver.ts';

/** How a server gets the checkpoint of the next step. What it then serves is never taken on trust: the probe follows. */
export interface Switch {
  /** Whether the checkpoint that was served is gone afterwards. */
  readonly holdsOne: boolean;
  /** What is served, where the list of models does not say it. */
  readonly served?: (signal: AbortSignal) => Promise<readonly ServedModel[]>;
  /** The name that requests say, where the server keeps one for all checkpoints; known once `served` has been asked. */
  readonly listedAs?: () => string | undefined;
  /** Returns when the server lists `name`. TransientError where trying again may help, PermanentError where someone has to mend it. */
  to(name: string, folder: string, signal: AbortSignal): Promise<void>;
  /** Ends what was started. */
  close(): Promise<void>;
}
