/**
 * Connections to servers whose certificates are judged by an `HttpTrust`. A connection is handed
 * out only after its handshake and our judgement: nothing is sent to a server before.
 */
import type { X509Certificate } from 'node:crypto';
import { Agent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { SECOND_MS } from './units.ts';
import type { HttpTrust } from './http-trust.ts';

const CONNECT_MS = 15 * SECOND_MS;
/** Shorter than servers keep connections, so that few are closed just as they are used again. */
const IDLE_MS = 15 * SECOND_MS;

/** The server showed a certificate that is not to be believed. */
export class UntrustedCertificate extends Error {
  override readonly name = 'UntrustedCertificate';
  readonly code = 'CERT_UNTRUSTED';
  /** SHA-256, as `HttpTrust` has it: what to pin, for whoever knows that it is the right one. */
  readonly thumbprint: string;

  constructor(message: string, thumbprint: string) {
    super(message);
    this.thumbprint = thumbprint;
  }
}

export interface TrustedAgentOptions {
  readonly maxSockets: number;
  /** Off, each request has a connection of its own. */
  readonly isKept: boolean;
}

export class TrustedAgent extends Agent {
  readonly #trust: HttpTrust;
  readonly #connecting = new Set<TLSSocket>();

  constructor(trust: HttpTrust, { maxSockets, isKept }: TrustedAgentOptions) {
    super({ keepAlive: isKept, maxSockets, timeout: IDLE_MS });
    this.#trust = trust;
  }

  override createConnection(
    options: RequestOptions,
    tell?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const socket = connect({
      ...(options as ConnectionOptions),
      ...(this.#trust.ca === undefined ? {} : { ca: this.#trust.ca }),
      // The judgement is ours, below: so that a refusal can say which certificate it was.
      rejectUnauthorized: false,
    });
    this.#connecting.add(socket);
    const end = (error: Error | null) => {
      this.#connecting.delete(socket);
      socket.removeListener('error', end).removeListener('close', onClose);
      socket.setTimeout(0).removeListener('timeout', onTimeout);
      if (error !== null) {
        // What else goes wrong with it concerns nobody.
        socket.on('error', () => undefined).destroy();
      }
      tell?.(error, socket);
    };
    const onClose = () => end(failure('the connection ended in its handshake', 'ECONNRESET'));
    const onTimeout = () => end(failure('no connection came about in time', 'ETIMEDOUT'));
    socket.once('error', end).once('close', onClose);
    socket.setTimeout(CONNECT_MS).once('timeout', onTimeout);
    socket.once('secureConnect', () => end(refusalOf(socket, this.#trust)));
    return undefined;
  }

  override destroy(): void {
    super.destroy();
    for (const socket of this.#connecting) socket.destroy();
  }
}

function refusalOf(socket: TLSSocket, trust: HttpTrust): Error | null {
  if (trust.isInsecure) return null;
  const thumbprint = thumbprintOf(socket);
  if (trust.thumbprint !== undefined) {
    if (thumbprint === trust.thumbprint) return null;
    return new UntrustedCertificate('it is not the certificate that is pinned', thumbprint);
  }
  if (socket.authorized) return null;
  return new UntrustedCertificate(String(socket.authorizationError), thumbprint);
}

/** SHA-256 of the certificate that the other side showed. */
function thumbprintOf(socket: TLSSocket): string {
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? '' : certificateThumbprint(certificate);
}

export function certificateThumbprint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

function failure(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
