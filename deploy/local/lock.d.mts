/** A process of this machine; pids are used again, a pid with its start time is not. */
export interface Holder {
  pid: number;
  startTime: string;
}

export function startTimeOf(pid: number): string | undefined;
export function isRunning(holder: Holder): boolean;
export function takeLock(
  path: string,
): { release: () => void; holder?: never } | { holder: Holder; release?: never };
export function holderOf(path: string): Holder | undefined;
