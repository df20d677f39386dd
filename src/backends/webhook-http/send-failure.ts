/** Says why there was no answer, in words for the owner of the webhook and of nobody's network. */
import { systemErrorCode } from '#kernel/errors.ts';

/** The policy does not let the URL be called. The message goes on from "the URL". */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress';
}

const TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the receiver broke the connection off',
  EPIPE: 'the receiver broke the connection off',
  ETIMEDOUT: 'no connection came about in time',
  EHOSTUNREACH: 'the receiver cannot be reached',
  ENETUNREACH: 'the receiver cannot be reached',
  EADDRNOTAVAIL: 'the receiver cannot be reached',
  ENOTFOUND: 'the name of the receiver is not known',
  ENODATA: 'the name of the receiver is not known',
  EAI_AGAIN: 'the name of the receiver could not be looked up',
  ESERVFAIL: 'the name of the receiver could not be looked up',
  ETIMEOUT: 'the name of the receiver could not be looked up',
  EPROTO: 'the receiver does not speak TLS there',
  HPE_HEADER_OVERFLOW: 'the receiver answered with too many headers',
};

export function sendFailureToText(thrown: unknown): string {
  const error = thrown instanceof AggregateError ? (thrown.errors[0] as unknown) : thrown;
  if (error instanceof RefusedAddress) return `the URL ${error.message}`;
  const code = systemErrorCode(error) ?? '';
  const known = TEXTS[code];
  if (known !== undefined) return known;
  if (code.startsWith('HPE_')) return 'the receiver answered something that is not HTTP';
  // OpenSSL and Node name what is wrong with a certificate in their codes.
  if (/^(?:ERR_TLS|ERR_SSL|CERT|DEPTH|UNABLE_TO|SELF_SIGNED)/.test(code)) {
    return `the receiver's certificate or TLS is not acceptable (${code})`;
  }
  return code === '' ? 'the connection ended without an answer' : `the attempt failed (${code})`;
}
