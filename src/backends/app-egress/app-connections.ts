/**
 * The connections of one worker to the servers that its app calls. A worker has its own: whether a
 * connection may be used was judged by its app's list of hosts, and what a server knows about the
 * other end of a connection is not for another app.
 */
import { Agent as HttpAgent, request as requestHttp } from 'node:http';
import type { ClientRequest } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { SECOND_MS } from '#kernel/units.ts';

/** Less than servers commonly wait, so that they seldom close what is just used again. */
const IDLE_MS = 4 * SECOND_MS;
/** Connections that wait to be used again; an app that calls ever new hosts would gather them. */
const MOST_IDLE = 16;
const SOCKETS = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: 4 } as const;

export interface AppConnectionsOptions {
  /** PEM certificates to trust instead of Node's. */
  readonly ca: string | undefined;
  /** Told of each connection that is opened, before it is there. */
  readonly onOpen: (socket: Duplex) => void;
}

export class AppConnections {
  readonly #http = new HttpAgent(SOCKETS);
  readonly #https: HttpsAgent;

  constructor({ ca, onOpen }: AppConnectionsOptions) {
    const trust = ca === undefined ? {} : { ca };
    this.#https = new HttpsAgent({ ...SOCKETS, ...trust, rejectUnauthorized: true });
    for (const agent of [this.#http, this.#https]) {
      limitIdle(agent);
      tellOfSockets(agent, onOpen);
    }
  }

  request(url: URL, options: RequestOptions): ClientRequest {
    return url.protocol === 'https:'
      ? requestHttps({ ...options, agent: this.#https })
      : requestHttp({ ...options, agent: this.#http });
  }
}

/** An agent limits them for each host alone. */
function limitIdle(agent: HttpAgent): void {
  const keep = agent.keepSocketAlive.bind(agent);
  agent.keepSocketAlive = (socket) => countOf(agent.freeSockets) < MOST_IDLE && keep(socket);
}

function tellOfSockets(agent: HttpAgent, onOpen: (socket: Duplex) => void): void {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = create(options, callback);
    if (socket !== null && socket !== undefined) onOpen(socket);
    return socket;
  };
}

function countOf(lists: NodeJS.ReadOnlyDict<readonly unknown[]>): number {
  return Object.values(lists).reduce((sum, list) => sum + (list?.length ?? 0), 0);
}
