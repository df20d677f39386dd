/**
 * What `drover top` is about: the fleet where there are several servers, one of them when it is
 * named, and else the host of the server that is asked, which tells more of itself.
 */
import type { JsonClient } from '#apps/drover/client/json-client.ts';
import type { Invocation } from '#apps/drover/command.ts';
import type { LivePage } from '#apps/drover/top/live-view.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { didYouMean } from '#kernel/nearest.ts';
import { FleetPage } from './fleet-page.ts';
import { ServerPage, type WireServerDetail } from './server-page.ts';
import { SERVER_STATES, type WireServerState } from './wire-server.ts';

export interface TopSubject {
  /** Undefined: the host. */
  readonly page: LivePage | undefined;
  /** What was answered last, for --json. */
  readonly answer: () => unknown;
}

const THE_HOST: TopSubject = { page: undefined, answer: () => undefined };

export async function findSubject(
  client: JsonClient,
  { words, signal }: Invocation,
): Promise<TopSubject> {
  const [id] = words;
  const servers = await readServers(client, signal);
  const { url } = client;
  let answer: unknown;
  if (id === undefined) {
    if (servers.length < 2) return THE_HOST;
    const ask = async (asking: AbortSignal) => {
      const all = await readServers(client, asking);
      answer = { servers: all };
      return all;
    };
    return { page: new FleetPage({ url, ask }), answer: () => answer };
  }
  const server = servers.find((each) => each.id === id);
  if (server === undefined) throw noSuchServer(id, servers);
  if (server.sources.some(({ kind }) => kind === 'local')) return THE_HOST;
  const ask = async (asking: AbortSignal) => {
    const { body } = await client.get(`${SERVER_STATES}/${encodeURIComponent(id)}`, asking);
    answer = body;
    return body as WireServerDetail;
  };
  return { page: new ServerPage({ url, ask }), answer: () => answer };
}

/** Empty where there is no fleet: at an agent, and for a token that may not see it. */
async function readServers(
  client: JsonClient,
  signal: AbortSignal,
): Promise<readonly WireServerState[]> {
  try {
    const { body } = await client.get(SERVER_STATES, signal);
    const { servers } = (body ?? {}) as { readonly servers?: readonly WireServerState[] };
    return Array.isArray(servers) ? servers : [];
  } catch (thrown) {
    if (isErrorKind(thrown, 'not_found') || isErrorKind(thrown, 'permission_denied')) return [];
    throw thrown;
  }
}

function noSuchServer(id: string, servers: readonly WireServerState[]): DroverError {
  const known = servers.map((server) => server.id);
  const hint = didYouMean(id, known) || '; drover servers list shows those there are';
  return new DroverError('not_found', `there is no server ${id}${hint}`);
}
