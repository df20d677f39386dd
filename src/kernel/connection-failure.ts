/** Says why a server did not answer, in words for whoever gave its URL, and of nobody's network. */
import { systemErrorCode } from './errors.ts';
import { RefusedAddress } from './guarded-lookup.ts';

type Sentence = (peer: string) => string;

const isBrokenOff: Sentence = (peer) => `${peer} broke the connection off`;
const isOutOfReach: Sentence = (peer) => `${peer} cannot be reached`;
const isUnknown: Sentence = (peer) => `the name of ${peer} is not known`;
const isNotFound: Sentence = (peer) => `the name of ${peer} could not be looked up`;

const SENTENCES: Readonly<Record<string, Sentence>> = {
  ECONNREFUSED: () => 'the connection was refused',
  ECONNRESET: isBrokenOff,
  EPIPE: isBrokenOff,
  ETIMEDOUT: () => 'no connection came about in time',
  EHOSTUNREACH: isOutOfReach,
  ENETUNREACH: isOutOfReach,
  EADDRNOTAVAIL: isOutOfReach,
  ENOTFOUND: isUnknown,
  ENODATA: isUnknown,
  EAI_AGAIN: isNotFound,
  ESERVFAIL: isNotFound,
  ETIMEOUT: isNotFound,
  EPROTO: (peer) => `${peer} does not speak TLS there`,
  HPE_HEADER_OVERFLOW: (peer) => `${peer} answered with too many headers`,
};

/** `peer` is what the server is to whoever reads this: `the receiver`. */
export function connectionFailureToText(thrown: unknown, peer: string): string {
  const error = thrown instanceof AggregateError ? (thrown.errors[0] as unknown) : thrown;
  if (error instanceof RefusedAddress) return `the URL ${error.message}`;
  const code = systemErrorCode(error) ?? '';
  const known = SENTENCES[code];
  if (known !== undefined) return known(peer);
  if (code.startsWith('HPE_')) return `${peer} answered something that is not HTTP`;
  // OpenSSL and Node name what is wrong with a certificate in their codes.
  if (/^(?:ERR_TLS|ERR_SSL|CERT|DEPTH|UNABLE_TO|SELF_SIGNED)/.test(code)) {
    return `${peer} has a certificate or TLS that is not acceptable (${code})`;
  }
  return code === '' ? 'the connection ended without an answer' : `the attempt failed (${code})`;
}
