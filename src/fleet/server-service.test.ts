import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { SECRET_KEY_BYTES, SecretBox } from '#kernel/secret-box.ts';
import { FakeFeeds } from '#test/fake-feeds.ts';
import { MemoryServerStore } from '#test/memory-server-store.ts';
import type { RosterEntry } from './fleet.ts';
import { parseServer, parseServerChanges } from './parse-server.ts';
import { ServerService } from './server-service.ts';
import type { WatchedServer } from './server.ts';

const SECRET = 'hunter2';
const A = { kind: 'exporter', url: 'https://a:9100', secret: SECRET };
const B = { kind: 'exporter', url: 'https://b:9100', secret: 'other' };
const SIGNAL = new AbortController().signal;
const HERE: WatchedServer = {
  ...{ id: 'here' as ServerId, name: 'Here', roles: ['ai'], origin: 'builtin' },
  sources: [{ kind: 'local' }],
};

class FakeFleet {
  roster: readonly RosterEntry[] = [];

  watch(roster: readonly RosterEntry[]): Promise<void> {
    this.roster = roster;
    return Promise.resolve();
  }

  get watched(): readonly string[] {
    return this.roster.map(({ server }) => server.id);
  }
}

async function open(t: TestContext, configured: readonly object[] = []) {
  const store = new MemoryServerStore();
  const around = { store, opener: new FakeFeeds(), clock: new FakeClock() };
  const openOne = async (key = Buffer.alloc(SECRET_KEY_BYTES, 1)) => {
    const fleet = new FakeFleet();
    const service = new ServerService({
      ...{ ...around, fleet, log: silentLog, secretBox: new SecretBox(key), builtin: HERE },
      configured: configured.map((entry) => parseServer(entry)),
    });
    t.after(() => service[Symbol.asyncDispose]());
    await service.start();
    return { fleet, service };
  };
  return { ...around, ...(await openOne()), openOne };
}

const server = (id: string, ...sources: readonly object[]) => parseServer({ id, sources });
const sources = (...list: readonly object[]) => parseServerChanges({ sources: list });

describe('ServerService', () => {
  it('watches this host until there is a server, and again when there is none', async (t) => {
    const { service, fleet } = await open(t);
    assert.deepEqual(fleet.watched, ['here']);
    assert.equal((await service.get('here')).origin, 'builtin');
    await service.create(server('a', A));
    assert.deepEqual(fleet.watched, ['a']);
    await service.remove('a');
    assert.deepEqual(fleet.watched, ['here']);
  });

  it('shows no secret, and gives it to the fleet', async (t) => {
    const { service, fleet, store } = await open(t);
    const view = await service.create(server('a', { kind: 'local' }, A));
    assert.deepEqual(fleet.roster[0]?.secrets, [undefined, SECRET]);
    assert.partialDeepStrictEqual(view.sources, [{ kind: 'local' }, { hasSecret: true }]);
    const shown = JSON.stringify([view, await service.list(), [...store.rows]]);
    assert.doesNotMatch(shown, /hunter2/);
    assert.doesNotMatch(JSON.stringify(view), /sealed/i);
  });

  it('puts those of the configuration first, and lets nobody change them', async (t) => {
    const { service, fleet } = await open(t, [{ id: 'z', sources: [A] }]);
    await service.create(server('b', B));
    assert.deepEqual(fleet.watched, ['z', 'b']);
    assert.deepEqual(fleet.roster[0]?.secrets, [SECRET]);
    await assert.rejects(service.create(server('z', A)), { reason: 'SERVER_EXISTS' });
    for (const change of [service.remove('z'), service.change('z', sources(A))]) {
      await assert.rejects(change, {
        ...{ kind: 'failed_precondition', reason: 'SERVER_NOT_CHANGEABLE' },
        message: /^z is servers\[0\] of the configuration/,
      });
    }
  });

  it('says of this host why it cannot be changed', async (t) => {
    const { service } = await open(t);
    await assert.rejects(service.remove('here'), { message: /add a server with a source of kind/ });
    await assert.rejects(service.remove('nobody'), { kind: 'not_found' });
  });

  it('keeps secrets with their origins, also in another order', async (t) => {
    const { service, fleet } = await open(t);
    await service.create(server('a', A, B));
    const { secret: _a, ...a } = A;
    const { secret: _b, ...b } = B;
    await service.change(
      'a',
      sources({ ...b, has_secret: true }, { ...a, url: `${a.url}/metrics` }),
    );
    assert.deepEqual(fleet.roster[0]?.secrets, ['other', SECRET]);
    await service.change('a', sources({ ...b, secret: null }));
    assert.deepEqual(fleet.roster[0]?.secrets, [undefined]);
  });

  it('wants a secret again that would go to another server', async (t) => {
    const { service, fleet } = await open(t);
    await service.create(server('a', A));
    const elsewhere = { kind: 'exporter', url: 'https://evil:9100' };
    for (const change of [elsewhere, { ...elsewhere, has_secret: true }]) {
      await assert.rejects(service.change('a', sources(change)), {
        message: /^sources\[0\]\.secret: must be given again/,
      });
    }
    await assert.rejects(service.change('a', sources({ kind: 'exporter', url: 'http://a:9100' })));
    assert.deepEqual(fleet.roster[0]?.secrets, [SECRET]);
    await service.change('a', sources({ ...elsewhere, secret: 'new' }));
    assert.deepEqual(fleet.roster[0]?.secrets, ['new']);
  });

  it('notices within seconds what another process changes, and reads nothing else', async (t) => {
    const { service, clock, store, openOne } = await open(t);
    const { fleet: other } = await openOne();
    await service.create(server('a', A));
    assert.deepEqual(other.watched, ['here']);
    await clock.advance(3000);
    assert.deepEqual(other.watched, ['a']);
    const { lists } = store;
    await clock.advance(60_000);
    assert.equal(store.lists, lists);
  });

  it('goes on without a secret that was sealed under another key', async (t) => {
    const { service, openOne } = await open(t);
    await service.create(server('a', A));
    const { fleet, service: other } = await openOne(Buffer.alloc(SECRET_KEY_BYTES, 2));
    assert.deepEqual(fleet.roster[0]?.secrets, [undefined]);
    const [test] = await other.test('a', SIGNAL);
    assert.match(test?.error ?? '', /was encrypted under the key/);
  });

  it('asks each source when it is tested, and says how each of them did', async (t) => {
    const { service, opener } = await open(t);
    const missing = [{ part: 'memory', why: 'HTTP 403' }];
    opener.answers.set('https://a:9100', { uptimeSeconds: 1, cpu: undefined, missing });
    opener.answers.set('https://b:9100', new Error('refused'));
    await service.create(server('a', A, B));
    const [first, second] = await service.test('a', SIGNAL);
    assert.deepEqual(first, {
      ...{ kind: 'exporter', label: 'exporter https://a:9100' },
      ...{ responseMs: 0, tells: ['uptimeSeconds'] },
      trouble: 'it tells nothing of memory (HTTP 403)',
    });
    assert.equal(second?.kind, 'exporter');
    assert.notEqual(second?.error, undefined);
    assert.equal(opener.openUrls.size, 0);
  });
});
