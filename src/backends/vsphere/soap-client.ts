/**
 * Calls the operations of vSphere's API: one POST each, the answer parsed, faults thrown. What may
 * be done twice is tried again when the connection or the server fails; what may not is tried
 * again only when it was certainly not received. Bodies are never logged or put into errors: one
 * of them holds a password.
 */
import { backoffMs, jitterMs } from '#kernel/backoff.ts';
import type { Clock } from '#kernel/clock.ts';
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { DroverError, systemErrorCode } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { randomFraction } from '#kernel/random.ts';
import { MINUTE_MS, MIB, SECOND_MS } from '#kernel/units.ts';
import { writeXml, xmlNode, type XmlNode } from '#kernel/xml-writer.ts';
import { parseXml, type XmlElement } from '#kernel/xml.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import { UntrustedCertificate } from '#kernel/trusted-agent.ts';
import { HttpClient, type HttpAnswer } from './http-client.ts';
import { TYPE_DECLARATION, unexpectedAnswer } from './managed-object.ts';
import { readSoapFault } from './vsphere-fault.ts';

const MOST_TRIES = 4;
const MOST_RETRY_MS = 5 * SECOND_MS;
const MOST_ANSWER_BYTES = 32 * MIB;
const DEFAULT_TIMEOUT_MS = MINUTE_MS;
const SESSION_COOKIE = 'vmware_soap_session';
/** HTTP statuses of a server, or of the proxy in front of one, that is about to come back. */
const PASSING_STATUSES: readonly number[] = [429, 502, 503, 504];
/** The connection did not come about, so nothing was sent. */
const NOT_SENT: readonly string[] = [
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ETIMEDOUT'],
];
const BROKEN_OFF: readonly string[] = ['ECONNRESET', 'EPIPE', 'ECONNABORTED'];

export interface SoapClientOptions {
  readonly url: URL;
  readonly trust: HttpTrust;
  readonly clock: Clock;
  readonly log: Log;
  /** Before the second try; it doubles from there. */
  readonly firstRetryMs?: number;
}

export interface CallOptions {
  /** Doing it twice is the same as doing it once. */
  readonly isIdempotent: boolean;
  /** May share a connection even so: when that fails, the caller has a way out. */
  readonly isKept?: boolean;
  /** Of one try. */
  readonly timeoutMs?: number | undefined;
}

export class SoapClient implements Disposable {
  readonly http: HttpClient;
  readonly #options: SoapClientOptions;
  #cookie: string | undefined;
  #calls = 0;

  constructor(options: SoapClientOptions) {
    this.#options = options;
    this.http = new HttpClient(options.trust, options.clock);
  }

  /** `name=value` of the session, once there is one. */
  get cookie(): string | undefined {
    return this.#cookie;
  }

  /** Requests sent so far. */
  get calls(): number {
    return this.#calls;
  }

  forgetCookie(): void {
    this.#cookie = undefined;
  }

  /** Answers the element of the response; throws `VSphereFault` for what vSphere refused. */
  async call(node: XmlNode, options: CallOptions, signal: AbortSignal): Promise<XmlElement> {
    const { clock, firstRetryMs = 250, log } = this.#options;
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#callOnce(node, options, signal);
      } catch (thrown) {
        signal.throwIfAborted();
        const failure = this.#explain(thrown);
        if (tried >= MOST_TRIES || !failure.isRepeatable(options)) throw failure.error;
        log.debug({ operation: node.name, tried, reason: failure.error.reason }, 'calling again');
      }
      const waitMs = backoffMs(tried - 1, firstRetryMs, MOST_RETRY_MS);
      await clock.sleep(jitterMs(waitMs, randomFraction()), signal);
    }
  }

  [Symbol.dispose](): void {
    this.http[Symbol.dispose]();
  }

  async #callOnce(
    node: XmlNode,
    { isIdempotent, isKept = isIdempotent, timeoutMs = DEFAULT_TIMEOUT_MS }: CallOptions,
    signal: AbortSignal,
  ): Promise<XmlElement> {
    this.#calls += 1;
    const request = {
      method: 'POST',
      url: this.#options.url,
      headers: {
        'content-type': 'text/xml; charset=utf-8',
        soapaction: '"urn:vim25/6.5"',
        ...(this.#cookie === undefined ? {} : { cookie: this.#cookie }),
      },
      body: toEnvelope(node),
      what: node.name,
      timeoutMs,
      mostBytes: MOST_ANSWER_BYTES,
      isFresh: !isKept,
    } as const;
    const answer = await this.http.exchange(request, signal);
    const response = readResponse(answer, node.name);
    // Only whoever answers with the API's own XML may set the session's cookie.
    this.#cookie = readCookie(answer.headers['set-cookie'] ?? []) ?? this.#cookie;
    if (response.name === 'Fault') throw readSoapFault(response, node.name);
    return response;
  }

  #explain(thrown: unknown): Failure {
    if (thrown instanceof PassingFailure) {
      return { error: thrown.error, isRepeatable: ({ isIdempotent }) => isIdempotent };
    }
    const never = () => false;
    if (thrown instanceof DroverError) return { error: thrown, isRepeatable: never };
    const peer = this.#options.url.host;
    if (thrown instanceof UntrustedCertificate) {
      return { error: untrusted(thrown, peer), isRepeatable: never };
    }
    const code = systemErrorCode(thrown) ?? '';
    const text = connectionFailureToText(thrown, peer);
    const error = new DroverError('unavailable', `calling ${peer}: ${text}`, {
      reason: 'VSPHERE_UNREACHABLE',
      cause: thrown,
    });
    if (NOT_SENT.includes(code)) return { error, isRepeatable: () => true };
    const isBroken = BROKEN_OFF.includes(code) || code === '';
    return { error, isRepeatable: ({ isIdempotent }) => isIdempotent && isBroken };
  }
}

interface Failure {
  readonly error: DroverError;
  readonly isRepeatable: (options: CallOptions) => boolean;
}

/** The server answered, but not as itself; it may in a moment. */
class PassingFailure extends Error {
  override readonly name = 'PassingFailure';
  readonly error: DroverError;

  constructor(error: DroverError) {
    super(error.message);
    this.error = error;
  }
}

function toEnvelope(node: XmlNode): string {
  const soap = 'http://schemas.xmlsoap.org/soap/envelope/';
  const declarations = { 'xmlns:soapenv': soap, ...TYPE_DECLARATION };
  const envelope = xmlNode('soapenv:Envelope', declarations, xmlNode('soapenv:Body', {}, node));
  return `<?xml version="1.0" encoding="UTF-8"?>${writeXml(envelope)}`;
}

/** The one element in the body. Faults come with the status 500. */
function readResponse({ status, headers, body }: HttpAnswer, asked: string): XmlElement {
  if (status !== 200 && status !== 500) throw statusError(status);
  let envelope: XmlElement;
  try {
    envelope = parseXml(body);
  } catch (cause) {
    const type = headers['content-type'] ?? '';
    if (status === 200 && type.startsWith('text/html')) throw notVSphere('a web page');
    const error = unexpectedAnswer(`${asked} was answered with XML that cannot be read`, cause);
    throw new PassingFailure(error);
  }
  const response = envelope.child('Body')?.children[0];
  if (envelope.name !== 'Envelope' || response === undefined) throw notVSphere('other XML');
  return response;
}

function statusError(status: number): Error {
  if (status === 404 || (status >= 300 && status < 400)) throw notVSphere(`HTTP ${status}`);
  const error = new DroverError('unavailable', `vSphere answered HTTP ${status}`, {
    reason: 'VSPHERE_UNAVAILABLE',
    metadata: { status: String(status) },
  });
  return PASSING_STATUSES.includes(status) ? new PassingFailure(error) : error;
}

function notVSphere(what: string): DroverError {
  const remedy = 'the URL must be that of a vCenter or an ESXi host, https://HOST/sdk';
  return new DroverError('failed_precondition', `the server answered ${what}: ${remedy}`, {
    reason: 'NOT_VSPHERE',
  });
}

function untrusted({ message, thumbprint }: UntrustedCertificate, peer: string): DroverError {
  const remedy = 'give the CA that signed it, or, if you know it to be right, pin its thumbprint';
  return new DroverError(
    'failed_precondition',
    `the certificate of ${peer} is not to be trusted (${message}); ${remedy} ${thumbprint}`,
    { reason: 'CERTIFICATE_UNTRUSTED', metadata: { thumbprint } },
  );
}

function readCookie(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const [pair = ''] = line.split(';', 1);
    const isOurs = pair.startsWith(`${SESSION_COOKIE}=`) && pair.length < 1024;
    if (isOurs && /^[\x21-\x7e]+$/.test(pair)) return pair;
  }
  return undefined;
}
