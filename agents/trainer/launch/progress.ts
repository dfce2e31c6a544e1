import { open } from 'node:fs/promises';
import { TrainingEvent } from '../../../shared/contract/training.ts';

/**
 * Reads what a training program has appended to `progress.jsonl` since the last call. A torn last line waits for its end; a line that is
 * not an event (a kill tore it) is skipped.
 */
export class ProgressReader {
  readonly #path: string;
  #offset = 0;
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<TrainingEvent[]> {
    const bytes = await this.#appended();
    const text = Buffer.concat([this.#rest, bytes]);
    const end = text.lastIndexOf(0x0a) + 1;
    this.#rest = text.subarray(end);
    return text
      .subarray(0, end)
      .toString('utf8')
      .split('\n')
      .flatMap((line) => parseEvent(line) ?? []);
  }

  async #appended(): Promise<Buffer> {
    try {
      await using file = await open(this.#path, 'r');
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - this.#offset));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, this.#offset);
      this.#offset += bytesRead;
      return bytes.subarray(0, bytesRead);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
        return Buffer.alloc(0);
      throw error;
    }
  }
}

function parseEvent(line: string): TrainingEvent | undefined {
  try {
    return TrainingEvent.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
