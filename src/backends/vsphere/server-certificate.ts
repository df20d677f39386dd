/** The certificate of a server, for those who ask only for its fingerprint and judge by that. */
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { DroverError } from '#kernel/errors.ts';
import { TrustedAgent } from '#kernel/trusted-agent.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { VSphereSession } from './session.ts';

const CONNECT_MS = 15 * SECOND_MS;

/** SHA-1 with colons, of a certificate that our own rules of trust have accepted. */
export async function readTrustedFingerprint(
  { url, trust, clock }: Pick<VSphereSession, 'url' | 'trust' | 'clock'>,
  signal: AbortSignal,
): Promise<string> {
  if (url.protocol !== 'https:') {
    throw new DroverError('failed_precondition', 'VDDK reads from servers with TLS alone', {
      reason: 'TRANSPORT_UNAVAILABLE',
    });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 443 : Number(url.port);
  using deadline = openDeadline(clock, CONNECT_MS, `connecting to ${url.host}`, signal);
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const agent = new TrustedAgent(trust, { maxSockets: 1, isKept: false });
  try {
    const name = isIP(host) === 0 ? { servername: host } : {};
    agent.createConnection({ host, port, ...name }, (error, socket) =>
      error === null ? resolve(socket) : reject(error),
    );
    const socket = await untilAborted(promise, deadline.signal);
    const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    socket.on('error', () => undefined).destroy();
    if (shown === undefined) throw new Error('no certificate');
    return shown.fingerprint;
  } catch (cause) {
    deadline.signal.throwIfAborted();
    const why = connectionFailureToText(cause, url.host);
    throw new DroverError('unavailable', `connecting to ${url.host}: ${why}`, {
      reason: 'VSPHERE_UNREACHABLE',
      cause,
    });
  } finally {
    agent.destroy();
  }
}
