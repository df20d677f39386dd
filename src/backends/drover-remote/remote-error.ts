/** What another Drover refuses, and why it cannot be reached, as errors of the same kinds. */
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { DroverError, ERROR_KINDS, systemErrorCode } from '#kernel/errors.ts';
import { UntrustedCertificate } from '#kernel/trusted-agent.ts';

/** The fields of an error that both its REST and its RPC answers have. */
interface ErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
}

/** From the JSON of an answer that is no success; `peer` is `the Drover at HOST`. */
export function refusalToError(peer: string, status: number, body: unknown): DroverError {
  const { code, message, details } = (isMap(body) ? body : {}) as ErrorBody;
  const word = code === 'canceled' ? 'cancelled' : code;
  const kind = ERROR_KINDS.find((each) => each === word);
  if (kind === undefined || typeof message !== 'string') return notDrover(peer, status);
  const [first] = Array.isArray(details) ? (details as unknown[]) : [];
  const { reason, metadata } = (isMap(first) ? first : {}) as Record<string, unknown>;
  return new DroverError(kind, `${peer}: ${message}`, {
    ...(typeof reason === 'string' && { reason }),
    metadata: isTexts(metadata) ? metadata : {},
  });
}

/** What went wrong before there was an answer. */
export function failureToError(peer: string, host: string, thrown: unknown): Error {
  if (thrown instanceof DroverError) return thrown;
  if (thrown instanceof UntrustedCertificate) {
    const { message, thumbprint } = thrown;
    const remedy = 'give the CA that signed it, or, if you know it to be right, pin its thumbprint';
    const text = `the certificate of ${host} is not to be trusted (${message}); ${remedy}`;
    return new DroverError('failed_precondition', `${text} ${thumbprint}`, {
      reason: 'CERTIFICATE_UNTRUSTED',
      metadata: { thumbprint },
    });
  }
  // Of a file that was to be sent.
  const code = systemErrorCode(thrown);
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EIO') return thrown as Error;
  return new DroverError('unavailable', `${peer}: ${connectionFailureToText(thrown, host)}`, {
    reason: 'DROVER_UNREACHABLE',
    cause: thrown,
  });
}

export function notDrover(peer: string, status: number): DroverError {
  // A proxy in front of one that is about to come back.
  const isPassing = [429, 502, 503, 504].includes(status);
  const text = `${peer} answered HTTP ${status}, and not as a Drover does; see to the URL`;
  return new DroverError(isPassing ? 'unavailable' : 'failed_precondition', text, {
    reason: 'NOT_DROVER',
    metadata: { status: String(status) },
  });
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of what is no text, nothing. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isMap(value) && Object.values(value).every((text) => typeof text === 'string');
}
