/** The part of the API that is plain JSON over HTTP, list by list and page by page. */
import type { Invocation } from '#apps/drover/command.ts';
import { restCall, restLines } from './rest-call.ts';
import type { RestMethod, RestRequest } from './rest-call.ts';
import { readServerTarget } from './server-target.ts';

export interface RestClient {
  /** What the server answers; undefined when it answers nothing. */
  call(method: RestMethod, path: string, body?: object): Promise<unknown>;
  /** Every entry of the list of this name, however many pages it has. */
  all(path: string, name: string): Promise<readonly unknown[]>;
  /** Sends bytes as they come. */
  upload(path: string, upload: RestUpload): Promise<unknown>;
  /** An answer of lines, as they come. */
  lines(path: string, signal: AbortSignal): AsyncGenerator<unknown, void>;
  readonly url: string;
}

type RestUpload = NonNullable<RestRequest['upload']> & { readonly method?: 'POST' | 'PUT' };

const PAGE_SIZE = 1000;

export async function openRestClient(
  { options, env, signal }: Invocation,
  role: 'customer' | 'operator',
): Promise<RestClient> {
  const target = await readServerTarget(options, env, role);
  const call: RestClient['call'] = async (method, path, body) => {
    const answer = await restCall(target, { method, path, body, signal });
    return answer.body;
  };
  return {
    url: target.url,
    call,
    async upload(path, { method = 'POST', ...upload }) {
      const answer = await restCall(target, { method, path, signal, upload });
      return answer.body;
    },
    lines: (path, until) => restLines(target, { method: 'GET', path, signal: until }),
    async all(path, name) {
      const entries: unknown[] = [];
      let token = '';
      do {
        const paging = `page_size=${PAGE_SIZE}&page_token=${encodeURIComponent(token)}`;
        const page = await call('GET', `${path}${path.includes('?') ? '&' : '?'}${paging}`);
        const { [name]: found, next_page_token: next } = page as Readonly<Record<string, unknown>>;
        entries.push(...(found as unknown[]));
        token = String(next);
      } while (token !== '');
      return entries;
    },
  };
}
