import type { Readable } from 'node:stream';

const LF = 0x0a;

/**
 * Tells of each line that a stream brings, as UTF-8 without its LF. One longer than `limit` bytes is told once, cut and not whole, and its rest
 * is dropped; so no more than that is kept. What has no LF at the end is no line.
 */
export function readLines(
  stream: Readable,
  limit: number,
  onLine: (line: string, whole: boolean) => void,
): void {
  let pending: Buffer[] = [];
  let size = 0;
  let dropping = false;

  function keep(part: Buffer): void {
    if (dropping) return;
    pending.push(part.subarray(0, limit - size));
    size += part.length;
    if (size <= limit) return;
    dropping = true;
    onLine(take(), false);
  }
  function take(): string {
    const line = Buffer.concat(pending).toString('utf8');
    pending = [];
    size = 0;
    return line;
  }

  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      keep(chunk.subarray(start, end));
      if (!dropping) onLine(take(), true);
      dropping = false;
      start = end + 1;
    }
    keep(chunk.subarray(start));
  });
}
