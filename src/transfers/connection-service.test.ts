import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { SECRET_KEY_BYTES, SecretBox } from '#kernel/secret-box.ts';
import { ConnectionService, type ConnectionDraft } from './connection-service.ts';
import type { ConnectionStore } from './connection-store.ts';
import type { Connection, SourceLogin } from './connection.ts';
import type { Source } from './source.ts';

const START = Date.UTC(2026, 0, 1);
const DRAFT: ConnectionDraft = {
  ...{ name: 'lab', url: 'vcenter.lab', username: 'admin@lab', password: 'hunter2' },
};

class MemoryStore implements ConnectionStore {
  readonly rows = new Map<string, Connection>();

  async insert(connection: Connection): Promise<void> {
    this.rows.set(connection.name, connection);
  }

  async find(name: string): Promise<Connection | undefined> {
    return this.rows.get(name);
  }

  async list(): Promise<readonly Connection[]> {
    return [...this.rows.values()];
  }

  async update(name: string, change: (now: Connection) => Connection) {
    const now = this.rows.get(name);
    if (now !== undefined) this.rows.set(name, change(now));
    return this.rows.get(name);
  }

  async remove(name: string): Promise<boolean> {
    return this.rows.delete(name);
  }
}

class Fixture {
  readonly clock = new FakeClock(START);
  readonly store = new MemoryStore();
  readonly logins: SourceLogin[] = [];
  closed = 0;
  failure: DroverError | undefined;
  listFailure: DroverError | undefined;
  readonly service = new ConnectionService({
    ...{ store: this.store, clock: this.clock },
    secretBox: new SecretBox(Buffer.alloc(SECRET_KEY_BYTES, 1)),
    opener: { open: (login) => this.#open(login) },
  });

  async #open(login: SourceLogin): Promise<Source> {
    this.logins.push(login);
    await this.clock.advance(40);
    if (this.failure !== undefined) throw this.failure;
    const unused = () => Promise.reject(new Error('a test of a connection only looks'));
    return {
      ...{ transports: [], product: 'VMware vCenter Server 8.0.2', snapshots: undefined },
      ...{ findVm: unused, shutDownGuest: unused, powerOff: unused, powerOn: unused },
      ...{ removeCdroms: unused, missingPrivileges: unused, openExport: unused },
      listVms: () =>
        this.listFailure === undefined
          ? Promise.resolve(Array(3))
          : Promise.reject(this.listFailure),
      [Symbol.asyncDispose]: async () => {
        this.closed += 1;
      },
    };
  }
}

const NEVER = new AbortController().signal;

describe('ConnectionService', () => {
  it('shows everything but the password, and logs in with it', async () => {
    const { service, store } = new Fixture();
    const view = await service.create({ ...DRAFT, datacenter: 'DC0', insecure: true });
    const trust = { ca: undefined, thumbprint: undefined, isInsecure: true };
    const address = {
      ...{ kind: 'vsphere', url: 'https://vcenter.lab/sdk', username: 'admin@lab' },
      ...{ datacenter: 'DC0', trust },
    };
    const shown = { name: 'lab', hasPassword: true, createdAt: START, updatedAt: START };
    assert.deepEqual(view, { ...address, ...shown });
    assert.deepEqual(await service.get('lab'), view);
    assert.deepEqual(await service.list(), [view]);
    assert.doesNotMatch(JSON.stringify([...store.rows.values()]), /hunter2/);
    assert.deepEqual(await service.login('lab'), { ...address, password: 'hunter2' });
  });

  it('opens a password only at the connection it belongs to', async () => {
    const { service, store } = new Fixture();
    await service.create(DRAFT);
    const lab = await store.find('lab');
    assert.ok(lab);
    await store.insert({ ...lab, name: 'other' });
    await assert.rejects(service.login('other'), { kind: 'data_loss' });
  });

  for (const [field, choices] of [
    ['name', { name: '-lab' }],
    ['name', { name: 'x'.repeat(64) }],
    ['vcenter_url', { url: 'http://vcenter.lab' }],
    ['username', { username: '' }],
    ['password', { password: '' }],
    ['password', { password: 'x'.repeat(501) }],
    ['datacenter', { datacenter: 'a\0b' }],
    ['thumbprint', { thumbprint: 'ab' }],
  ] as const) {
    it(`refuses a connection whose ${field} is wrong`, async () => {
      const { service } = new Fixture();
      const refused = { kind: 'invalid_argument', metadata: { field } };
      await assert.rejects(service.create({ ...DRAFT, ...choices }), refused);
    });
  }

  it('tells all that is wrong at once', async () => {
    const { service } = new Fixture();
    const wrong = { username: '', thumbprint: 'ab' };
    const message = /vcenter_url: must begin.*; username: must have.*; thumbprint: must be/;
    const made = service.create({ ...DRAFT, ...wrong, name: '-', url: 'http://vcenter.lab' });
    await assert.rejects(made, { message: new RegExp(`name: must have.*; ${message.source}`) });
    await service.create(DRAFT);
    const changed = service.change('lab', { ...wrong, url: 'http://vcenter.lab' });
    await assert.rejects(changed, { message });
  });

  it('changes what is named, and takes away what is empty', async () => {
    const { service, clock } = new Fixture();
    const before = await service.create({ ...DRAFT, datacenter: 'DC0', insecure: true });
    await clock.advance(5);
    const renamed = await service.change('lab', { username: 'root' });
    assert.deepEqual(renamed, { ...before, username: 'root', updatedAt: START + 5 });
    const plain = await service.change('lab', { datacenter: '', insecure: false });
    assert.deepEqual([plain.datacenter, plain.trust.isInsecure], [undefined, false]);
    assert.equal((await service.login('lab')).password, 'hunter2');
    await service.change('lab', { password: 'new' });
    assert.equal((await service.login('lab')).password, 'new');
  });

  it('puts one way to trust a server in the place of another', async () => {
    const { service } = new Fixture();
    await service.create({ ...DRAFT, insecure: true });
    const digits = 'ab'.repeat(32);
    const pinned = await service.change('lab', { thumbprint: digits });
    assert.deepEqual(pinned.trust, { ca: undefined, thumbprint: digits, isInsecure: false });
    assert.equal((await service.change('lab', { insecure: false })).trust.thumbprint, digits);
    const system = await service.change('lab', { thumbprint: '' });
    assert.deepEqual(system.trust, { ca: undefined, thumbprint: undefined, isInsecure: false });
  });

  it('sends no password to another server than it was given for', async () => {
    const { service } = new Fixture();
    await service.create(DRAFT);
    const refused = { kind: 'invalid_argument', metadata: { field: 'password' } };
    await assert.rejects(service.change('lab', { url: 'evil.example' }), refused);
    await assert.rejects(service.change('lab', { url: 'vcenter.lab:8443' }), refused);
    await service.change('lab', { url: 'https://vcenter.lab/other/sdk' });
    const moved = await service.change('lab', { url: 'other.lab', password: 'p' });
    assert.equal(moved.url, 'https://other.lab/sdk');
  });

  it('tests a connection by logging in and looking around, and logs out', async () => {
    const fixture = new Fixture();
    const { service, logins } = fixture;
    await service.create(DRAFT);
    const expected = { product: 'VMware vCenter Server 8.0.2', vms: 3, durationMs: 40 };
    assert.deepEqual(await service.test('lab', NEVER), expected);
    assert.equal(logins[0]?.password, 'hunter2');
    fixture.listFailure = new DroverError('permission_denied', 'no');
    assert.deepEqual(await service.test('lab', NEVER), { ...expected, vms: undefined });
    fixture.listFailure = new DroverError('unavailable', 'gone');
    await assert.rejects(service.test('lab', NEVER), { kind: 'unavailable' });
    assert.equal(fixture.closed, 3);
    fixture.failure = new DroverError('unauthenticated', 'wrong password');
    await assert.rejects(service.test('lab', NEVER), { message: 'wrong password' });
  });

  it('says of an unknown name that there is no such connection', async () => {
    const { service } = new Fixture();
    const refused = { kind: 'not_found', reason: 'CONNECTION_NOT_FOUND' };
    await assert.rejects(service.get('x'), refused);
    await assert.rejects(service.change('x', {}), refused);
    await assert.rejects(service.remove('../x'), refused);
    await assert.rejects(service.login('x'), refused);
    await assert.rejects(service.test('x', NEVER), refused);
    await service.create(DRAFT);
    await service.remove('lab');
    await assert.rejects(service.get('lab'), refused);
  });
});
