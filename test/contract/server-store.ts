/** What every ServerStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StoredServer } from '#fleet/server-store.ts';
import type { ServerId } from '#kernel/ids.ts';
import type { OpenStores } from '#test/contract/databases.ts';

const NOW = 1_700_000_000_000;
const TRUST = { ca: undefined, thumbprint: undefined, isInsecure: false };

const idOf = (text: string) => text as ServerId;

function serverOf(id: string, choices: Partial<StoredServer> = {}): StoredServer {
  const plain = { url: `http://${id}:9100`, trust: TRUST, sealedSecret: undefined };
  return {
    ...{ id: idOf(id), name: `Server ${id} é`, roles: ['any'], origin: 'api' },
    sources: [{ kind: 'exporter', ...plain }],
    ...{ createdAt: NOW, updatedAt: NOW },
    ...choices,
  };
}

export function itKeepsServers(open: () => Promise<OpenStores>): void {
  it('answers servers as they were inserted, by id', async () => {
    await using stores = await open();
    const { servers } = stores;
    const http = { url: 'https://x.test:8006', sealedSecret: 'v1.k.n.c' };
    const b = serverOf('b', {
      roles: ['app', 'storage'],
      sources: [
        { kind: 'local' },
        { kind: 'proxmox', ...http, trust: { ...TRUST, thumbprint: 'ab' }, node: undefined },
        { kind: 'prometheus', ...http, trust: { ...TRUST, ca: 'PEM' }, instance: 'b:9100' },
        { kind: 'qdrant', ...http, trust: { ...TRUST, isInsecure: true } },
      ],
    });
    await servers.insert(b, 10);
    await servers.insert(serverOf('a'), 10);
    assert.deepEqual(await servers.list(), [serverOf('a'), b]);
    assert.deepEqual(await servers.find(idOf('b')), b);
    assert.equal(await servers.find(idOf('c')), undefined);
  });

  it('refuses an id that is taken, and more than there may be, however many ask', async () => {
    await using stores = await open();
    const { servers } = stores;
    await servers.insert(serverOf('a'), 10);
    const taken = { kind: 'already_exists', reason: 'SERVER_EXISTS' };
    await assert.rejects(servers.insert(serverOf('a'), 10), taken);
    const outcomes = await Promise.allSettled(
      ['b', 'c', 'd'].map((id) => servers.insert(serverOf(id), 2)),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 2);
    const full = { kind: 'resource_exhausted', reason: 'TOO_MANY_SERVERS' };
    await assert.rejects(servers.insert(serverOf('e'), 2), full);
  });

  it('changes one at a time, and not its id', async () => {
    await using stores = await open();
    const { servers } = stores;
    await servers.insert(serverOf('a', { name: '' }), 10);
    const add = (letter: string) =>
      servers.update(idOf('a'), (now) => ({ ...now, name: now.name + letter, id: idOf('x') }));
    await Promise.all(['1', '2', '3'].map((letter) => add(letter)));
    assert.equal((await servers.find(idOf('a')))?.name.length, 3);
    assert.equal(await servers.find(idOf('x')), undefined);
    assert.equal(await servers.update(idOf('b'), (now) => now), undefined);
  });

  it('removes them, and has another revision after each change', async () => {
    await using stores = await open();
    const { servers } = stores;
    const seen = [await servers.revision()];
    await servers.insert(serverOf('a'), 10);
    seen.push(await servers.revision());
    await servers.update(idOf('a'), (now) => now);
    seen.push(await servers.revision());
    assert.equal(await servers.remove(idOf('a')), true);
    seen.push(await servers.revision());
    assert.equal(new Set(seen).size, 4);
    assert.equal(await servers.remove(idOf('a')), false);
    assert.deepEqual(await servers.list(), []);
  });
}
