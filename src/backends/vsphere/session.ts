/**
 * One login. When vSphere has forgotten it, it logs in again, once for all calls that find out at
 * the same time, and each of them is repeated once:
 *
 *   call ──▶ NotAuthenticated ──▶ login (shared) ──▶ the call again ──▶ whatever that says
 *
 * A call that was refused so has done nothing, so even what may not be done twice is repeated.
 * What was made within the old login (views, collectors, tokens) is gone with it: who uses such
 * things does so in `withinOneLogin`, and starts anew. A refused password is final: it is not
 * tried again and again, which would lock the account.
 */
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import type { Log } from '#kernel/log.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { xmlNode, type XmlNode } from '#kernel/xml-writer.ts';
import type { XmlElement } from '#kernel/xml.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import type { HttpClient } from './http-client.ts';
import { operation } from './managed-object.ts';
import { readServiceContent, type ServiceContent } from './service-content.ts';
import { SoapClient, type CallOptions } from './soap-client.ts';
import { isFault, VSphereFault } from './vsphere-fault.ts';

/** Servers forget who is silent for half an hour. */
const KEEP_ALIVE_MS = 5 * MINUTE_MS;
const MOST_STARTS = 3;
/** What is done when nobody waits for it any more must not keep anybody waiting. */
const AFTERWARDS_MS = 2 * SECOND_MS;

export interface VSphereLogin {
  readonly url: URL;
  readonly username: string;
  readonly password: string;
  readonly trust: HttpTrust;
}

export interface SessionOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly firstRetryMs?: number | undefined;
}

/** What calls need: a session, or one that does not outlive its login. */
export interface VSphereCaller {
  readonly content: ServiceContent;
  /** Changes nothing, or the same however often it is done. */
  read(node: XmlNode, signal: AbortSignal, timeoutMs?: number): Promise<XmlElement>;
  /** Cannot be repeated by itself, but the work that it is a part of can. */
  step(node: XmlNode, signal: AbortSignal): Promise<XmlElement>;
  /** Is done once, or its failure says that nobody knows. */
  change(node: XmlNode, signal: AbortSignal, timeoutMs?: number): Promise<XmlElement>;
}

interface User {
  readonly sessionKey: string;
  readonly userName: string;
}

interface SessionParts extends SessionOptions {
  readonly login: VSphereLogin;
  readonly client: SoapClient;
  readonly content: ServiceContent;
}

export class VSphereSession implements VSphereCaller, AsyncDisposable {
  readonly content: ServiceContent;
  readonly url: URL;
  readonly trust: HttpTrust;
  readonly clock: Clock;
  readonly log: Log;
  readonly #login: VSphereLogin;
  readonly #client: SoapClient;
  readonly #ended = new AbortController();
  readonly #afterwards = new Set<Promise<void>>();
  readonly #renewalListeners = new Set<() => void>();
  readonly #keepAlive: Disposable;
  #user: User | undefined;
  #logins = 0;
  #renewing: Promise<void> | undefined;
  #refusal: DroverError | undefined;
  #lastCallMs = 0;

  private constructor({ login, client, content, clock, log }: SessionParts) {
    this.content = content;
    this.url = login.url;
    this.trust = login.trust;
    this.clock = clock;
    this.log = log;
    this.#login = login;
    this.#client = client;
    this.#keepAlive = clock.every(KEEP_ALIVE_MS, () => this.#stayAlive());
  }

  static async open(
    login: VSphereLogin,
    options: SessionOptions,
    signal: AbortSignal,
  ): Promise<VSphereSession> {
    const { url, trust } = login;
    const { clock, log, firstRetryMs } = options;
    const retry = firstRetryMs === undefined ? {} : { firstRetryMs };
    await using undo = new AsyncDisposableStack();
    const client = undo.use(new SoapClient({ url, trust, clock, log, ...retry }));
    const instance = { type: 'ServiceInstance', id: 'ServiceInstance' };
    const ask = operation('RetrieveServiceContent', instance);
    const content = readServiceContent(await client.call(ask, { isIdempotent: true }, signal));
    const session = undo.use(new VSphereSession({ login, client, content, clock, log }));
    await session.#logIn(signal);
    undo.move();
    return session;
  }

  get http(): HttpClient {
    return this.#client.http;
  }

  get cookie(): string | undefined {
    return this.#client.cookie;
  }

  /** Undefined only before the first login. */
  get user(): User | undefined {
    return this.#user;
  }

  /** True when its password was refused: it will not do anything more. */
  get isRefused(): boolean {
    return this.#refusal !== undefined;
  }

  async read(node: XmlNode, signal: AbortSignal, timeoutMs?: number): Promise<XmlElement> {
    return await this.#call(node, { isIdempotent: true, timeoutMs }, signal);
  }

  async step(node: XmlNode, signal: AbortSignal): Promise<XmlElement> {
    return await this.#call(node, { isIdempotent: false, isKept: true }, signal);
  }

  async change(node: XmlNode, signal: AbortSignal, timeoutMs?: number): Promise<XmlElement> {
    return await this.#call(node, { isIdempotent: false, timeoutMs }, signal);
  }

  /**
   * Runs work that changes nothing and keeps things within the login, and runs it anew when the
   * login was renewed meanwhile or the server was away.
   */
  async withinOneLogin<T>(
    work: (caller: VSphereCaller) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    for (let start = 1; ; start += 1) {
      const logins = this.#logins;
      const bound = (options: CallOptions, node: XmlNode, callSignal: AbortSignal) =>
        this.#call(node, { ...options, logins }, callSignal);
      try {
        return await work({
          content: this.content,
          read: (node, its, timeoutMs) => bound({ isIdempotent: true, timeoutMs }, node, its),
          step: (node, its) => bound({ isIdempotent: false, isKept: true }, node, its),
          change: (node, its, timeoutMs) => bound({ isIdempotent: false, timeoutMs }, node, its),
        });
      } catch (thrown) {
        signal.throwIfAborted();
        const isWorthwhile =
          thrown instanceof LoginRenewed ||
          (this.#refusal === undefined &&
            (this.#logins !== logins || isErrorKind(thrown, 'unavailable')));
        if (start >= MOST_STARTS || !isWorthwhile) throw thrown;
      }
    }
  }

  /** Cleans up behind somebody who does not wait for it; the end of the session does, a little. */
  afterwards(what: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const run = async () => {
      using deadline = openDeadline(this.clock, AFTERWARDS_MS, what);
      try {
        await untilAborted(work(deadline.signal), deadline.signal);
      } catch (error) {
        this.log.debug({ err: error }, `could not ${what}`);
      }
    };
    const running = run().finally(() => this.#afterwards.delete(running));
    this.#afterwards.add(running);
    return running;
  }

  /** Calls when the login was renewed: cookies that were handed out are then worth nothing. */
  onRenewal(call: () => void): Disposable {
    this.#renewalListeners.add(call);
    return { [Symbol.dispose]: () => void this.#renewalListeners.delete(call) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#keepAlive[Symbol.dispose]();
    await Promise.all(this.#afterwards);
    if (this.#user !== undefined && !this.isRefused) {
      const { sessionManager } = this.content;
      const logout = operation('Logout', sessionManager);
      await this.afterwards('log out', (signal) =>
        this.#client.call(logout, { isIdempotent: false }, signal),
      );
    }
    this.#ended.abort(new DroverError('cancelled', 'the vSphere session was closed'));
    this.#client[Symbol.dispose]();
  }

  async #call(
    node: XmlNode,
    options: CallOptions & { readonly logins?: number },
    signal: AbortSignal,
  ): Promise<XmlElement> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const logins = this.#logins;
    if (options.logins !== undefined && options.logins !== logins) throw new LoginRenewed();
    this.#lastCallMs = this.clock.monotonicMs();
    try {
      return await this.#client.call(node, options, signal);
    } catch (thrown) {
      if (!isFault(thrown, 'NotAuthenticated')) throw thrown;
      await this.#renew(logins, signal);
      if (options.logins !== undefined) throw new LoginRenewed();
      return await this.#client.call(node, options, signal);
    }
  }

  async #renew(logins: number, signal: AbortSignal): Promise<void> {
    // Somebody else found out before, and it is renewed already.
    if (this.#logins !== logins) return;
    this.#renewing ??= this.#logInAgain().finally(() => {
      this.#renewing = undefined;
    });
    await untilAborted(this.#renewing, signal);
  }

  /** For all who wait, so no one of them can abort it. */
  async #logInAgain(): Promise<void> {
    await this.#logIn(this.#ended.signal);
    this.log.info({ host: this.url.host }, 'logged in to vSphere again');
    for (const call of this.#renewalListeners) call();
  }

  async #logIn(signal: AbortSignal): Promise<void> {
    const { username, password } = this.#login;
    const node = operation(
      'Login',
      this.content.sessionManager,
      xmlNode('userName', {}, username),
      xmlNode('password', {}, password),
    );
    this.#client.forgetCookie();
    try {
      const response = await this.#client.call(node, { isIdempotent: true }, signal);
      const user = response.child('returnval');
      this.#user = {
        sessionKey: user?.textOf('key') ?? '',
        userName: user?.textOf('userName') ?? username,
      };
      this.#logins += 1;
    } catch (thrown) {
      // What the server says to it is not passed on: it was sent a password.
      if (!(thrown instanceof VSphereFault)) throw thrown;
      const refusal = refusedLogin(thrown, username, this.url.host);
      if (refusal.kind !== 'unavailable') this.#refusal = refusal;
      throw refusal;
    }
  }

  #stayAlive(): void {
    if (this.clock.monotonicMs() - this.#lastCallMs < KEEP_ALIVE_MS) return;
    const instance = { type: 'ServiceInstance', id: 'ServiceInstance' };
    void this.afterwards('keep the session alive', (signal) =>
      this.read(operation('CurrentTime', instance), signal),
    );
  }
}

class LoginRenewed extends DroverError {
  constructor() {
    super('unavailable', 'the vSphere session was renewed meanwhile', {
      reason: 'VSPHERE_SESSION_RENEWED',
    });
  }
}

function refusedLogin({ kind, fault }: VSphereFault, user: string, host: string): DroverError {
  const metadata = { username: user };
  if (fault !== 'InvalidLogin') {
    const reason = 'VSPHERE_LOGIN_REFUSED';
    return new DroverError(kind, `${host} refused to let ${user} in (${fault})`, {
      reason,
      metadata,
    });
  }
  const hint = 'check both, and that the name has its domain, such as @vsphere.local';
  const message = `${host} does not accept the password of ${user}: ${hint}`;
  return new DroverError(kind, message, { reason: 'VSPHERE_INVALID_LOGIN', metadata });
}
