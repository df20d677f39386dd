/** Disks as a caller of the API brings them, and images to bring. */
import { createHash, randomBytes } from 'node:crypto';
import { CUSTOMER, type Json } from './api-client.ts';
import { until } from './until.ts';

export interface DiskCall {
  readonly token?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestInit['body'];
}

export interface DiskAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Json;
}

export async function callDisks(
  server: { readonly url: string },
  path: string,
  { token = CUSTOMER, method = 'GET', headers = {}, body = null }: DiskCall = {},
): Promise<DiskAnswer> {
  const init = { method, body, headers: { authorization: `Bearer ${token}`, ...headers } };
  // A body that is a stream comes without a length.
  const answer = await fetch(`${server.url}/v1/disks${path}`, {
    ...init,
    duplex: 'half',
  } as object);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, json: text && JSON.parse(text) };
}

export async function createDisk(
  server: { readonly url: string },
  disk: object,
  token?: string,
): Promise<DiskAnswer> {
  return await callDisks(server, '', {
    ...{ method: 'POST', body: JSON.stringify(disk), ...(token !== undefined && { token }) },
    headers: { 'content-type': 'application/json' },
  });
}

export async function sendPart(
  server: { readonly url: string },
  id: string,
  { offset, ...call }: DiskCall & { readonly offset: number },
): Promise<DiskAnswer> {
  const headers = { 'upload-offset': String(offset), 'content-type': 'application/octet-stream' };
  return await callDisks(server, `/${id}`, { method: 'PATCH', headers, ...call });
}

/** Once it was checked. */
export async function settledDisk(server: { readonly url: string }, id: string): Promise<Json> {
  return await until(async () => {
    const { json } = await callDisks(server, `/${id}`);
    return json.state === 'checking' ? undefined : json;
  }, `the check of ${id}`);
}

/** A raw image with a hole in its middle. */
export function rawImage(bytes = 300_000): Buffer {
  const image = randomBytes(bytes);
  return image.fill(0, bytes / 3, (2 * bytes) / 3);
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** An empty qcow2 of 1 MiB, as far as its header goes; `backing` names a file below it. */
export function qcow2Head(backing = ''): Buffer {
  const head = Buffer.alloc(65_536);
  head.write('QFI\xfb', 0, 'latin1');
  head.writeUInt32BE(3, 4);
  head.writeUInt32BE(16, 20);
  head.writeBigUInt64BE(1024n * 1024n, 24);
  head.writeUInt32BE(104, 100);
  if (backing === '') return head;
  head.writeBigUInt64BE(512n, 8);
  head.writeUInt32BE(Buffer.byteLength(backing), 16);
  head.write(backing, 512);
  return head;
}
