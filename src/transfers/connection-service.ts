/** What operators do with connections, and how a login is made of one. */
import type { Clock } from '#kernel/clock.ts';
import { DroverError, invalidArgument } from '#kernel/errors.ts';
import { Problems } from '#kernel/field-reader.ts';
import type { SecretBox } from '#kernel/secret-box.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { Connection, SourceAddress, SourceLogin, SourceOpener } from './connection.ts';
import { parseTrust, type TrustSettings } from '#kernel/http-trust.ts';
import { parseSourceUrl } from './source-address.ts';

/** Absent stays as it is. An empty `ca`, `thumbprint` or `datacenter` is taken away. */
export interface ConnectionChanges extends TrustSettings {
  readonly url?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly datacenter?: string | undefined;
}

export interface ConnectionDraft extends ConnectionChanges {
  readonly name: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** What is shown of a connection. */
export interface ConnectionView extends SourceAddress {
  readonly name: string;
  readonly hasPassword: true;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface ConnectionTest {
  /** Who answered. */
  readonly product: string;
  /** Undefined where the login may not list them. */
  readonly vms: number | undefined;
  readonly durationMs: number;
}

export interface ConnectionServiceParts {
  readonly store: ConnectionStore;
  readonly opener: SourceOpener;
  readonly secretBox: SecretBox;
  readonly clock: Clock;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
/** As requests call it. */
const URL_FIELD = 'vcenter_url';
const MOST_CONNECTIONS = 1000;
const LONGEST_TEXT = 500;

export class ConnectionService {
  readonly #parts: ConnectionServiceParts;

  constructor(parts: ConnectionServiceParts) {
    this.#parts = parts;
  }

  async create(draft: ConnectionDraft): Promise<ConnectionView> {
    const { store, secretBox, clock } = this.#parts;
    const { name } = draft;
    assertChanges(draft);
    const nowMs = clock.nowMs();
    const connection: Connection = {
      ...{ name, kind: 'vsphere', url: parseSourceUrl(draft.url, URL_FIELD) },
      username: parseText('username', draft.username),
      datacenter: parseDatacenter(draft.datacenter),
      trust: parseTrust(draft),
      sealedPassword: secretBox.seal(parseText('password', draft.password), placeOf(name)),
      ...{ createdAt: nowMs, updatedAt: nowMs },
    };
    await store.insert(connection, MOST_CONNECTIONS);
    return connectionToView(connection);
  }

  async get(name: string): Promise<ConnectionView> {
    return connectionToView(await this.#find(name));
  }

  /** By name. */
  async list(): Promise<readonly ConnectionView[]> {
    return (await this.#parts.store.list()).map(connectionToView);
  }

  async change(name: string, changes: ConnectionChanges): Promise<ConnectionView> {
    const { store } = this.#parts;
    assertChanges(changes);
    const changed = await store.update(name, (now) => this.#merge(now, changes));
    if (changed === undefined) throw notFound(name);
    return connectionToView(changed);
  }

  async remove(name: string): Promise<void> {
    if (!(await this.#parts.store.remove(name))) throw notFound(name);
  }

  /** With the password: for a backend, and for nothing that is stored or shown. */
  async login(name: string): Promise<SourceLogin> {
    const connection = await this.#find(name);
    const { kind, url, username, datacenter, trust, sealedPassword } = connection;
    const password = this.#parts.secretBox.open(sealedPassword, placeOf(connection.name));
    return { kind, url, username, datacenter, trust, password };
  }

  /** Logs in, looks around, and leaves. What goes wrong is thrown as it is. */
  async test(name: string, signal: AbortSignal): Promise<ConnectionTest> {
    const { opener, clock } = this.#parts;
    const login = await this.login(name);
    const beganMs = clock.monotonicMs();
    await using source = await opener.open(login, signal);
    const { product } = source;
    const vms = await countVms(source.listVms({ datacenter: login.datacenter }, signal));
    return { product, vms, durationMs: Math.round(clock.monotonicMs() - beganMs) };
  }

  async #find(name: string): Promise<Connection> {
    const connection = await this.#parts.store.find(name);
    if (connection === undefined) throw notFound(name);
    return connection;
  }

  #merge(now: Connection, changes: ConnectionChanges): Connection {
    const { secretBox, clock } = this.#parts;
    const { username, password, datacenter } = changes;
    const url = changes.url === undefined ? now.url : parseSourceUrl(changes.url, URL_FIELD);
    if (password === undefined && new URL(url).host !== new URL(now.url).host) {
      throw invalidArgument('password', 'must be given again, for it would go to another server');
    }
    return {
      ...now,
      url,
      username: username === undefined ? now.username : parseText('username', username),
      datacenter: datacenter === undefined ? now.datacenter : parseDatacenter(datacenter),
      trust: mergeTrust(now, changes),
      sealedPassword:
        password === undefined
          ? now.sealedPassword
          : secretBox.seal(parseText('password', password), placeOf(now.name)),
      updatedAt: Math.max(clock.nowMs(), now.updatedAt + 1),
    };
  }
}

/** All that is wrong with what is given, at once. */
function assertChanges(changes: ConnectionChanges & { readonly name?: string }): void {
  const { name, url, username, password, datacenter } = changes;
  const problems = new Problems();
  if (name !== undefined && !NAME.test(name)) {
    const right = 'must have 1 to 63 letters, digits or . _ - and begin with a letter or digit';
    problems.add('name', right);
  }
  if (url !== undefined) problems.gather(() => parseSourceUrl(url, URL_FIELD));
  if (username !== undefined) problems.gather(() => parseText('username', username));
  if (password !== undefined) problems.gather(() => parseText('password', password));
  problems.gather(() => parseDatacenter(datacenter));
  problems.gather(() => parseTrust(changes));
  problems.throwAny('the connection cannot be taken');
}

/** Naming one way to trust a server takes the place of the one before. */
function mergeTrust({ trust }: Connection, changes: TrustSettings): Connection['trust'] {
  const { ca, thumbprint, insecure } = changes;
  if (ca === undefined && thumbprint === undefined && insecure === undefined) return trust;
  const isNew = Boolean(ca?.trim()) || Boolean(thumbprint?.trim()) || insecure === true;
  if (isNew) return parseTrust(changes);
  return parseTrust({
    ca: ca ?? trust.ca,
    thumbprint: thumbprint ?? trust.thumbprint,
    insecure: insecure ?? trust.isInsecure,
  });
}

/** A login that works and may not list is a login that works. */
async function countVms(listing: Promise<readonly unknown[]>): Promise<number | undefined> {
  try {
    return (await listing).length;
  } catch (thrown) {
    if (thrown instanceof DroverError && thrown.kind === 'permission_denied') return undefined;
    throw thrown;
  }
}

function connectionToView(connection: Connection): ConnectionView {
  const { sealedPassword: _, ...shown } = connection;
  return { ...shown, hasPassword: true };
}

function parseText(field: string, text: string): string {
  if (text !== '' && text.length <= LONGEST_TEXT && !text.includes('\0')) return text;
  throw invalidArgument(field, `must have 1 to ${LONGEST_TEXT} letters`);
}

function parseDatacenter(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : parseText('datacenter', text);
}

function placeOf(name: string): string {
  return `connections.${name}`;
}

function notFound(name: string): DroverError {
  const shown = NAME.test(name) ? ` ${name}` : '';
  return new DroverError('not_found', `there is no connection${shown}`, {
    reason: 'CONNECTION_NOT_FOUND',
  });
}
