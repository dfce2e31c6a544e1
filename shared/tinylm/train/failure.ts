export type FailureKind = 'bad-spec' | 'bad-data' | 'diverged' | 'disk' | 'bug';

/** Training cannot go on, and starting it again without a change would not help. */
export class TrainingFailure extends Error {
  override readonly name = 'TrainingFailure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

const DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'EPERM']);

/** Any error as a failure: what the disk says, or a bug. */
export function toFailure(error: unknown): TrainingFailure {
  if (error instanceof TrainingFailure) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const disk = code !== undefined && DISK_CODES.has(code);
  if (disk) return new TrainingFailure('disk', `${message}: free space or fix the rights`, error);
  return new TrainingFailure('bug', message, error);
}
