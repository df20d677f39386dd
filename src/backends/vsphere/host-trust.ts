/**
 * Which certificate to believe of a host that gives disks. vCenter, whom we know by then, says
 * which it is: in newer versions by the certificate itself, in older ones by its SHA-1. Nobody can
 * make a second certificate with the SHA-1 of a given one; still it is only used to recognise the
 * one that the host shows, and what goes on is the SHA-256 of that.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import { certificateThumbprint } from '#kernel/trusted-agent.ts';
import type { DeviceUrl } from './nfc-lease.ts';

const CONNECT_MS = 15 * SECOND_MS;

export async function trustInHost(
  url: URL,
  device: DeviceUrl,
  { clock, trust }: { readonly clock: Clock; readonly trust: HttpTrust },
  signal: AbortSignal,
): Promise<HttpTrust> {
  if (trust.isInsecure) return trust;
  // What is pinned is vCenter's own certificate, and no host's.
  const otherwise = { ca: trust.ca, thumbprint: undefined, isInsecure: false };
  const named = thumbprintIn(device);
  if (named !== undefined) return { ...otherwise, thumbprint: named };
  const sha1 = plainHex(device.thumbprint);
  if (sha1?.length !== 40) return otherwise;
  using deadline = openDeadline(clock, CONNECT_MS, `connecting to ${url.host}`, signal);
  const shown = await readCertificate(url, deadline.signal);
  if (plainHex(shown.fingerprint) === sha1) {
    return { ...otherwise, thumbprint: certificateThumbprint(shown) };
  }
  throw new DroverError(
    'failed_precondition',
    `${url.host} shows another certificate than vCenter says it has`,
    { reason: 'CERTIFICATE_UNTRUSTED', metadata: { thumbprint: certificateThumbprint(shown) } },
  );
}

function thumbprintIn({ certificate, thumbprint }: DeviceUrl): string | undefined {
  const plain = plainHex(thumbprint);
  if (plain?.length === 64) return plain;
  if (certificate === undefined) return undefined;
  try {
    return certificateThumbprint(new X509Certificate(certificate));
  } catch {
    // The thumbprint beside it may still do.
    return undefined;
  }
}

function plainHex(text: string | undefined): string | undefined {
  const plain = text?.replaceAll(':', '').toLowerCase();
  return plain !== undefined && /^[0-9a-f]+$/.test(plain) ? plain : undefined;
}

/** Connects, looks, and hangs up: nothing is sent. */
async function readCertificate(url: URL, signal: AbortSignal): Promise<X509Certificate> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 443 : Number(url.port);
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = connect({ host, port, ...name, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect', { signal });
    const certificate = socket.getPeerX509Certificate();
    if (certificate !== undefined) return certificate;
    throw new Error('no certificate');
  } catch (cause) {
    signal.throwIfAborted();
    const why = connectionFailureToText(cause, url.host);
    throw new DroverError('unavailable', `connecting to ${url.host}: ${why}`, {
      reason: 'VSPHERE_UNREACHABLE',
      cause,
    });
  } finally {
    socket.on('error', () => undefined).destroy();
  }
}
