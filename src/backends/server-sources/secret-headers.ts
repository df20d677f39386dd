/** What a secret becomes in a request. */

/** `USER:PASSWORD` is Basic, anything else a bearer's token. */
export function secretToHeaders(secret: string | undefined): Readonly<Record<string, string>> {
  if (secret === undefined) return {};
  if (!secret.includes(':')) return { authorization: `Bearer ${secret}` };
  return { authorization: `Basic ${Buffer.from(secret).toString('base64')}` };
}
