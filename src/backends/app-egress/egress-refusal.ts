/** What an app is told when it may not call a URL: which host, and what would let it. */
import { specialUseOf } from '#kernel/address-policy.ts';
import { DroverError } from '#kernel/errors.ts';

export interface Refused {
  readonly url: URL;
  /** Whether allowed_hosts has this very host, and not only a pattern that covers it. */
  readonly isNamed: boolean;
  /** Whether operators let apps call private addresses at all. */
  readonly allowPrivate: boolean;
}

export function unlistedHost({ host }: URL): DroverError {
  return refusal(`the app may not call ${host}: allowed_hosts of its manifest does not name it`);
}

export function refusedAddress(refused: Refused, address: string): DroverError {
  const { url, isNamed, allowPrivate } = refused;
  const special = specialUseOf(address);
  const leads = `${url.host} leads to ${special?.what ?? 'an address'}`;
  if (special?.group !== 'private') return refusal(`${leads}, which is never called`);
  const needs = [
    ...(isNamed ? [] : ['allowed_hosts of the manifest must name it in full']),
    ...(allowPrivate ? [] : ['the operator must turn on the setting apps.privateAddresses']),
  ];
  return refusal(`${leads}: ${needs.join(', and ')}`);
}

export function refusal(message: string): DroverError {
  return new DroverError('permission_denied', message, { reason: 'EGRESS_REFUSED' });
}
