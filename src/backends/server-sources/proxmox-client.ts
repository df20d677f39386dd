/** The API of a Proxmox VE cluster, which any of its nodes answers for all of them. */
import { DroverError } from '#kernel/errors.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import { objectOf, textOf } from './answer-values.ts';
import { refusalToError, SourceClient } from './source-client.ts';

const API_PATH = '/api2/json';
const LONGEST_REASON = 300;
/** What the node that was asked says of one it could not reach. */
const NODE_UNREACHABLE = [595, 596, 599];

export interface ProxmoxClientOptions {
  readonly url: string;
  readonly trust: HttpTrust;
  /** `USER@REALM!TOKENID=SECRET`. */
  readonly secret: string | undefined;
}

export class ProxmoxClient implements Disposable {
  readonly #client: SourceClient;

  constructor({ url, trust, secret }: ProxmoxClientOptions) {
    const token = secret?.replace(/^PVEAPIToken=/, '');
    this.#client = new SourceClient({
      // Somebody may have a proxy before it, and say where the API is.
      url: new URL(url).pathname === '/' ? `${url}${API_PATH}` : url,
      trust,
      headers: token === undefined ? {} : { authorization: `PVEAPIToken=${token}` },
    });
  }

  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const { status, body } = await this.#client.ask({ path }, signal);
    const answer = objectOf(parseJson(body));
    if (status !== 200) throw refusal(status, textOf(answer['message']));
    if (!('data' in answer)) {
      throw new DroverError('unavailable', 'it answered something that no Proxmox VE answers');
    }
    return answer['data'];
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

/** Whether the answer was that this token may not. */
export function isForbidden(thrown: unknown): boolean {
  return thrown instanceof DroverError && thrown.reason === 'SOURCE_FORBIDS';
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function refusal(status: number, said: string | undefined): DroverError {
  const why = said === undefined ? '' : `: ${said.trim().slice(0, LONGEST_REASON)}`;
  if (status === 403) {
    const message = `its token may not do that (HTTP 403${why}); give it the role PVEAuditor on /`;
    return new DroverError('unavailable', message, { reason: 'SOURCE_FORBIDS' });
  }
  if (NODE_UNREACHABLE.includes(status)) {
    return new DroverError('unavailable', `the cluster does not reach the node (HTTP ${status})`, {
      reason: 'SOURCE_ANSWERED_WITH_ERROR',
    });
  }
  if (said === undefined || status === 401) return refusalToError(status);
  return new DroverError('unavailable', `it answered HTTP ${status}${why}`, {
    reason: 'SOURCE_ANSWERED_WITH_ERROR',
  });
}
