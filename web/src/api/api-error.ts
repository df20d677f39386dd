/** Every surface's errors in one shape, and what never came to an answer as well. */

/** `offline`: no answer came. Otherwise the kind that the server named, or the status. */
export type ApiErrorKind = 'offline' | 'timeout' | (string & {});

export interface ApiErrorFacts {
  readonly kind: ApiErrorKind;
  /** For the person: what is wrong, and what to do. */
  readonly message: string;
  /** Of HTTP; 0 when there was no answer. */
  readonly status: number;
  /** Finer than the kind: `READ_ONLY_TOKEN`. */
  readonly reason?: string;
  /** The field of a form that was refused. */
  readonly field?: string;
  /** Finds the request in the server's log. */
  readonly requestId?: string;
  readonly retryAfterS?: number;
  /** What else the server told with the reason, as texts. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly facts: ApiErrorFacts;

  constructor(facts: ApiErrorFacts, cause?: unknown) {
    super(facts.message, { cause });
    this.facts = facts;
  }

  get isOffline(): boolean {
    return this.facts.kind === 'offline' || this.facts.kind === 'timeout';
  }

  get isSignedOut(): boolean {
    return this.facts.status === 401;
  }

  get isNotFound(): boolean {
    return this.facts.status === 404;
  }
}

export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ApiError({ kind: 'internal', message, status: 0 }, thrown);
}

/**
 * Of an answer that is no success. The forms, most telling first: ours (`code`, `message`,
 * `details`), that of migrations (`error` besides), that of the fleet (`error`, `detail`), that of
 * Prometheus (`errorType`, `error`).
 */
export function answerToError(status: number, headers: Headers, body: unknown): ApiError {
  const fields = isRecord(body) ? body : {};
  const info = firstInfo(fields['details']);
  const metadata = isRecord(info['metadata']) ? info['metadata'] : {};
  const kind = textOf(fields['code']) ?? textOf(fields['errorType']) ?? `http_${status}`;
  const message = textOf(fields['message']) ?? textOf(fields['detail']) ?? textOf(fields['error']);
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  const reason = textOf(info['reason']);
  const field = textOf(metadata['field']);
  const requestId = textOf(fields['request_id']) ?? headers.get('x-request-id') ?? undefined;
  return new ApiError({
    kind,
    status,
    message: message ?? `HTTP ${status}`,
    ...(reason !== undefined && { reason, metadata }),
    ...(field !== undefined && { field }),
    ...(requestId !== undefined && { requestId }),
    ...(Number.isFinite(retryAfter) && { retryAfterS: retryAfter }),
  });
}

function firstInfo(details: unknown): Readonly<Record<string, unknown>> {
  const found: unknown = Array.isArray(details)
    ? details.find((each) => isRecord(each))
    : undefined;
  return isRecord(found) ? found : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
