/**
 * Makes the requests of apps, which have no network of their own. An app calls what its manifest
 * lists in allowed_hosts and nothing else: the URL is judged first, then each address of its name,
 * and what is connected to is an address that was judged. Redirects are not followed here; who
 * follows one asks again. Proxies of the server's environment are not used.
 */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { specialUseOf } from '#kernel/address-policy.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, toDroverError } from '#kernel/errors.ts';
import type { NameResolver } from '#kernel/guarded-lookup.ts';
import { isIpAddress } from '#kernel/ip-address.ts';
import type { Answerer, AnswerWriter, RequestHandler, RequestHead } from '#workers/exchange.ts';
import type { Egress } from '#workers/member.ts';
import type { AppBinding } from '#workers/worker-app.ts';
import { hostOf, judgeHost } from './allowed-hosts.ts';
import { AppConnections } from './app-connections.ts';
import { EgressCall, type Target } from './egress-call.ts';
import { refusal, refusedAddress, unlistedHost } from './egress-refusal.ts';
import { Turns } from './turns.ts';

/** Of one worker. */
const MOST_AT_ONCE = 64;
const MOST_WAITING = 192;
/** A tunnel would lead anywhere, and what comes back of a trace is Drover's own. */
const REFUSED_METHODS = ['CONNECT', 'TRACE', 'TRACK'];

export interface HttpEgressOptions {
  readonly clock: Clock;
  readonly resolve: NameResolver;
  /** Whether apps may call loopback and private addresses that their manifests name. */
  readonly allowPrivate: boolean;
  /** PEM certificates to trust instead of Node's. */
  readonly ca?: string;
}

export class HttpEgress implements Egress {
  readonly #options: HttpEgressOptions;
  readonly #calls = new Set<EgressCall>();
  readonly #sockets = new Set<Duplex>();
  readonly #onOver = (call: EgressCall) => void this.#calls.delete(call);
  #isClosed = false;

  constructor(options: HttpEgressOptions) {
    this.#options = options;
  }

  /** For one worker: the limits and the connections are its own. */
  answererFor({ allowedHosts }: AppBinding): Answerer {
    const { clock, resolve, allowPrivate, ca } = this.#options;
    const turns = new Turns(MOST_AT_ONCE, MOST_WAITING);
    const connections = new AppConnections({ ca, onOpen: (socket) => this.#hold(socket) });
    const own = { clock, resolve, turns, connections, onOver: this.#onOver };
    return (head, body, answer) => {
      try {
        if (this.#isClosed) throw closing();
        const target = judge(head, allowedHosts, allowPrivate);
        const call = new EgressCall({ ...own, head, body, answer, target });
        this.#calls.add(call);
        call.start();
        return call;
      } catch (thrown) {
        return refuse(answer, toDroverError(thrown));
      }
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const call of this.#calls) call.close(closing());
    const closed = [...this.#sockets].map((socket) => once(socket, 'close'));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #hold(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Throws what the app is told. A name may turn out to be refused yet, when it is looked up. */
function judge(head: RequestHead, allowedHosts: readonly string[], allowPrivate: boolean): Target {
  if (head.isUpgrade === true) {
    throw refusal('apps cannot open WebSockets to other hosts; allowed_hosts is for requests');
  }
  if (REFUSED_METHODS.includes(head.method.toUpperCase())) {
    throw refusal(`the method ${head.method} is not for apps`);
  }
  const url = URL.parse(head.url);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw refusal('only http:// and https:// can be called');
  }
  if (url.username !== '' || url.password !== '') {
    throw refusal(`the URL of ${url.host} must have no user name or password in it`);
  }
  // What is the same host is written the same way from here on.
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  const verdict = judgeHost(url, allowedHosts);
  if (verdict === 'refused') throw unlistedHost(url);
  const isNamed = verdict === 'named';
  const target = { url, host: hostOf(url), isNamed, allowPrivate };
  // A socket is connected to an address without a look-up, so it is judged here.
  const special = isIpAddress(target.host) ? specialUseOf(target.host) : undefined;
  const isFine = special === undefined || (special.group === 'private' && isNamed && allowPrivate);
  if (!isFine) throw refusedAddress(target, target.host);
  return target;
}

function closing(): DroverError {
  return new DroverError('unavailable', 'the server is closing', { reason: 'SHUTTING_DOWN' });
}

function refuse(answer: AnswerWriter, error: DroverError): RequestHandler {
  answer.fail(error);
  const nothing = () => undefined;
  return { onData: nothing, onEnd: nothing, onAbort: nothing, onDrain: nothing };
}
