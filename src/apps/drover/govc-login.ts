/** The login that tools around govmomi take from the environment, as ours. */
import { readFileSync } from 'node:fs';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { SourceLogin } from '#transfers/connection.ts';
import { parseTrust } from '#kernel/http-trust.ts';
import { parseSourceUrl } from '#transfers/source-address.ts';

const TRUE = new Set(['1', 'true', 'TRUE', 'True', 't', 'T']);

/** Whether it names a place at all; what is wrong with it shows when it is used. */
export function isGovcSet(govc: Readonly<Record<string, string>>): boolean {
  return urlOf(govc) !== '';
}

function urlOf({ GOVC_URL: url = '' }: Readonly<Record<string, string>>): string {
  return url.trim();
}

/** Undefined without GOVC_URL. Throws what is wrong with a variable, by its name. */
export function govcToLogin(govc: Readonly<Record<string, string>>): SourceLogin | undefined {
  if (!isGovcSet(govc)) return undefined;
  try {
    // There the URL may hold the login, which no URL of ours may.
    const given = urlOf(govc);
    const url = new URL(given.includes('://') ? given : `https://${given}`);
    const inUrl = { username: decodeURIComponent(url.username), password: url.password };
    url.username = '';
    url.password = '';
    const ca = govc['GOVC_TLS_CA_CERTS'];
    return {
      kind: 'vsphere',
      url: parseSourceUrl(url.href, 'GOVC_URL'),
      username: govc['GOVC_USERNAME'] ?? inUrl.username,
      password: govc['GOVC_PASSWORD'] ?? decodeURIComponent(inUrl.password),
      datacenter: govc['GOVC_DATACENTER'],
      trust: parseTrust({
        insecure: TRUE.has(govc['GOVC_INSECURE'] ?? ''),
        ...(ca !== undefined && ca !== '' && { ca: readFileSync(ca, 'utf8') }),
      }),
    };
  } catch (thrown) {
    const { message } = toDroverError(thrown);
    throw new DroverError('failed_precondition', `GOVC_URL cannot be used: ${message}`, {
      reason: 'DEFAULT_SOURCE_INVALID',
      cause: thrown,
    });
  }
}
