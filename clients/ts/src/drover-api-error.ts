/** Why a call failed, in the words of Drover's errors. */

/** Every kind there is; docs/errors.md of Drover says what each means. */
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

export interface DroverApiErrorOptions {
  /** 0 when there was no answer at all. */
  readonly status: number;
  readonly kind: ErrorKind;
  readonly reason?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly requestId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

export class DroverApiError extends Error {
  override readonly name = 'DroverApiError';
  /** Of HTTP; 0 when there was no answer at all. */
  readonly status: number;
  readonly kind: ErrorKind;
  /** Finer than the kind, in capitals, such as `QUEUE_FULL`. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** To find the call in the server's log. */
  readonly requestId: string | undefined;
  /** When the server says that trying again may help. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, options: DroverApiErrorOptions) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.kind = options.kind;
    this.reason = options.reason ?? options.kind.toUpperCase();
    this.metadata = options.metadata ?? {};
    this.requestId = options.requestId;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** For answers that say no kind: those of what stands between the client and Drover. */
const STATUS_KINDS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  409: 'already_exists',
  412: 'failed_precondition',
  413: 'resource_exhausted',
  429: 'resource_exhausted',
  499: 'cancelled',
  501: 'unimplemented',
  504: 'deadline_exceeded',
};

/** What a refusal says, as far as it says anything. */
export async function readRefusal(response: Response): Promise<DroverApiError> {
  const { status, headers } = response;
  const body = parseObject(await response.text().catch(() => ''));
  const [detail] = Array.isArray(body['details']) ? (body['details'] as unknown[]) : [];
  const { reason, metadata } = toObject(detail);
  const message = textOf(body['message']) ?? textOf(body['error']);
  return new DroverApiError(message ?? `the server answered ${status} ${response.statusText}`, {
    status,
    kind: kindOf(status, body['code']),
    reason: textOf(reason),
    metadata: Object.fromEntries(
      Object.entries(toObject(metadata)).map(([name, value]) => [name, String(value)]),
    ),
    requestId: textOf(body['request_id']) ?? headers.get('x-request-id') ?? undefined,
    retryAfterSeconds: secondsOf(headers.get('retry-after')),
  });
}

function kindOf(status: number, code: unknown): ErrorKind {
  if (code === 'canceled') return 'cancelled';
  const known = ERROR_KINDS.find((kind) => kind === code) ?? STATUS_KINDS[status];
  return known ?? (status >= 500 ? 'unavailable' : 'internal');
}

function secondsOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return toObject(JSON.parse(text));
  } catch {
    // Not an answer of Drover's; its status says what there is to say.
    return {};
  }
}

function toObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
