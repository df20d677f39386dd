/** Files on datastores, over HTTP: `/folder/DIRECTORY/NAME?dcPath=DATACENTER&dsName=DATASTORE`. */
import { backoffMs } from '#kernel/backoff.ts';
import { connectionFailureToText } from '#kernel/connection-failure.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { HttpPlace } from '#transfers/disk-feed.ts';
import type { HttpAnswer } from './http-client.ts';
import { readNumber } from './managed-object.ts';
import type { VSphereSession } from './session.ts';

const TIMEOUT_MS = 30 * SECOND_MS;
const MOST_TRIES = 3;
const FIRST_RETRY_MS = 250;
/** A descriptor is a few hundred bytes. */
const MOST_TEXT_BYTES = 64 * 1024;

export interface DatastorePath {
  readonly datastore: string;
  /** Its directory with a slash at the end, or nothing. */
  readonly directory: string;
  readonly name: string;
}

/** `[datastore] directory/name.vmdk`. */
export function parseDatastorePath(text: string): DatastorePath {
  const [, datastore, path] = /^\[([^\]]+)\] ?(.+)$/.exec(text) ?? [];
  if (datastore === undefined || path === undefined || /(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) {
    throw new DroverError('failed_precondition', `${text.slice(0, 200)} is on no datastore`, {
      reason: 'DISK_NOT_ON_DATASTORE',
    });
  }
  const slash = path.lastIndexOf('/') + 1;
  return { datastore, directory: path.slice(0, slash), name: path.slice(slash) };
}

export class DatastoreFiles {
  readonly #session: VSphereSession;
  readonly #datacenter: string | undefined;

  /** A lone host has but one datacenter, and is not told of it. */
  constructor(session: VSphereSession, datacenter: string | undefined) {
    this.#session = session;
    this.#datacenter = session.content.isHost ? undefined : datacenter;
  }

  /** With the cookie of the session: good until it is renewed. */
  placeOf({ datastore, directory, name }: DatastorePath): HttpPlace {
    const { url: server, cookie, trust } = this.#session;
    const path = `${directory}${name}`.split('/').map(encodeURIComponent).join('/');
    const url = new URL(`/folder/${path}`, server);
    if (this.#datacenter !== undefined) url.searchParams.set('dcPath', this.#datacenter);
    url.searchParams.set('dsName', datastore);
    return { url: url.href, headers: cookie === undefined ? {} : { cookie }, trust };
  }

  async readText(path: DatastorePath, signal: AbortSignal): Promise<string> {
    // More than the start of a large file, which is then no descriptor, is not fetched.
    const range = `bytes=0-${MOST_TEXT_BYTES - 1}`;
    const answer = await this.#get(path, range, signal);
    return answer.body.toString('utf8');
  }

  /** Of a file that can be read in ranges. */
  async sizeOf(path: DatastorePath, signal: AbortSignal): Promise<number> {
    const { status, headers } = await this.#get(path, 'bytes=0-0', signal);
    const total = /^bytes 0-0\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
    const size = status === 206 ? readNumber(total) : undefined;
    if (size !== undefined) return size;
    throw new DroverError(
      'failed_precondition',
      `the server does not give ${path.name} in parts; use the conversion method nfc`,
      { reason: 'DATASTORE_WITHOUT_RANGES' },
    );
  }

  async #get(path: DatastorePath, range: string, signal: AbortSignal): Promise<HttpAnswer> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#getOnce(path, range, signal);
      } catch (thrown) {
        signal.throwIfAborted();
        if (tried >= MOST_TRIES || !isErrorKind(thrown, 'unavailable')) throw thrown;
      }
      await this.#session.clock.sleep(backoffMs(tried - 1, FIRST_RETRY_MS, TIMEOUT_MS), signal);
    }
  }

  async #getOnce(path: DatastorePath, range: string, signal: AbortSignal): Promise<HttpAnswer> {
    const { url, headers } = this.placeOf(path);
    const request = {
      method: 'GET',
      url: new URL(url),
      headers: { ...headers, range },
      what: `reading ${path.name}`,
      timeoutMs: TIMEOUT_MS,
      mostBytes: MOST_TEXT_BYTES,
      isFresh: false,
    } as const;
    let answer: HttpAnswer;
    try {
      answer = await this.#session.http.exchange(request, signal);
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof DroverError) throw cause;
      const why = connectionFailureToText(cause, this.#session.url.host);
      const message = `reading ${path.name}: ${why}`;
      throw new DroverError('unavailable', message, { reason: 'VSPHERE_UNREACHABLE', cause });
    }
    if (answer.status === 200 || answer.status === 206) return answer;
    throw statusError(answer.status, path.name);
  }
}

function statusError(status: number, name: string): DroverError {
  const metadata = { status: String(status) };
  const refuse = (kind: 'permission_denied' | 'not_found' | 'failed_precondition', why: string) =>
    new DroverError(kind, `${name} ${why}`, { reason: 'DATASTORE_REFUSED', metadata });
  if (status === 403) {
    const needed = 'Datastore.Browse and Datastore.FileManagement';
    return refuse('permission_denied', `may not be read: it takes ${needed}, and a VM that is off`);
  }
  if (status === 404) return refuse('not_found', 'is not on its datastore');
  if (status === 416) return refuse('failed_precondition', 'is empty');
  if (status >= 300 && status < 400) return refuse('failed_precondition', 'is somewhere else');
  return new DroverError('unavailable', `reading ${name}: the server answered HTTP ${status}`, {
    reason: 'VSPHERE_UNAVAILABLE',
    metadata,
  });
}
