/**
 * Every failure Drover can answer with is one of these kinds. A surface translates the kind
 * to its own codes in one exhaustive table; nothing else decides a status.
 *
 * Two texts travel apart: `message` is for the caller, `context` and `cause` are for the log
 * only. Putting an internal detail before a caller therefore takes a deliberate act.
 */

export const ERROR_KINDS = [
  'invalid_argument',
  'unauthenticated',
  'permission_denied',
  'not_found',
  'already_exists',
  'failed_precondition',
  'resource_exhausted',
  'aborted',
  'unavailable',
  'unimplemented',
  'deadline_exceeded',
  'cancelled',
  'data_loss',
  'internal',
] as const;

export type ErrorKind = (typeof ERROR_KINDS)[number];

export interface DroverErrorOptions {
  /** A stable UPPER_SNAKE_CASE word that programs can switch on; defaults to the kind. */
  readonly reason?: string;
  /** Facts for the caller, sent beside the reason. Never a secret, never a host path. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Facts for the log alone. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

export class DroverError extends Error {
  override readonly name = 'DroverError';
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(kind: ErrorKind, message: string, options: DroverErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.reason = options.reason ?? kind.toUpperCase();
    this.metadata = options.metadata ?? {};
    this.context = options.context ?? {};
  }
}

/** The refusal every parser uses: it names the field and says what would be right. */
export function invalidArgument(
  field: string,
  expectation: string,
  metadata: Readonly<Record<string, string>> = {},
): DroverError {
  return new DroverError('invalid_argument', `${field}: ${expectation}`, {
    reason: 'INVALID_FIELD',
    metadata: { field, ...metadata },
  });
}

/**
 * Whatever was thrown becomes a DroverError. Foreign errors become `internal` with a message
 * that tells the caller nothing; what really happened stays in `cause`, for the log.
 */
export function toDroverError(thrown: unknown): DroverError {
  if (thrown instanceof DroverError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new DroverError('cancelled', 'the request was cancelled', { cause: thrown });
  }
  if (thrown instanceof Error && thrown.name === 'TimeoutError') {
    return new DroverError('deadline_exceeded', 'the operation ran out of time', { cause: thrown });
  }
  return new DroverError('internal', 'an internal error occurred; see the log of the server', {
    cause: thrown,
  });
}

export function isErrorKind(thrown: unknown, kind: ErrorKind): boolean {
  return thrown instanceof DroverError && thrown.kind === kind;
}

/** The system error code (`ENOENT`, `EADDRINUSE`…) of a failed call into Node, if it has one. */
export function systemErrorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
