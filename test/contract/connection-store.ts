/** What every ConnectionStore does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { OpenStores } from '#test/contract/databases.ts';
import type { Connection } from '#transfers/connection.ts';

const NOW = 1_700_000_000_000;

function connectionOf(name: string, choices: Partial<Connection> = {}): Connection {
  return {
    ...{ name, kind: 'vsphere', url: 'https://vcenter.example/sdk', username: 'adminé' },
    datacenter: undefined,
    trust: { ca: undefined, thumbprint: undefined, isInsecure: false },
    ...{ sealedPassword: 'v1.k.n.c', createdAt: NOW, updatedAt: NOW },
    ...choices,
  };
}

export function itKeepsConnections(open: () => Promise<OpenStores>): void {
  it('answers connections as they were inserted, by name', async () => {
    await using stores = await open();
    const { connections } = stores;
    const pinned = { ca: undefined, thumbprint: 'ab'.repeat(32), isInsecure: false };
    const b = connectionOf('b', { datacenter: 'DC0', trust: pinned });
    const a = connectionOf('a', { trust: { ca: 'PEM', thumbprint: undefined, isInsecure: true } });
    await connections.insert(b, 10);
    await connections.insert(a, 10);
    await connections.insert(connectionOf('B'), 10);
    assert.deepEqual(await connections.list(), [connectionOf('B'), a, b]);
    assert.deepEqual(await connections.find('b'), b);
    assert.equal(await connections.find('c'), undefined);
  });

  it('refuses a name that is taken, and more than there may be, however many ask', async () => {
    await using stores = await open();
    const { connections } = stores;
    await connections.insert(connectionOf('a'), 10);
    const taken = { kind: 'already_exists', reason: 'CONNECTION_EXISTS' };
    await assert.rejects(connections.insert(connectionOf('a'), 10), taken);
    const outcomes = await Promise.allSettled(
      ['b', 'c', 'd'].map((name) => connections.insert(connectionOf(name), 2)),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 2);
    const full = { kind: 'resource_exhausted', reason: 'TOO_MANY_CONNECTIONS' };
    await assert.rejects(connections.insert(connectionOf('e'), 2), full);
  });

  it('changes one at a time, and not its name', async () => {
    await using stores = await open();
    const { connections } = stores;
    await connections.insert(connectionOf('a'), 10);
    const add = (letter: string) =>
      connections.update('a', (now) => ({ ...now, username: now.username + letter, name: 'x' }));
    await Promise.all(['1', '2', '3'].map((letter) => add(letter)));
    assert.equal((await connections.find('a'))?.username.length, 'adminé'.length + 3);
    assert.equal(await connections.find('x'), undefined);
    assert.equal(await connections.update('b', (now) => now), undefined);
  });

  it('removes them', async () => {
    await using stores = await open();
    const { connections } = stores;
    await connections.insert(connectionOf('a'), 10);
    assert.equal(await connections.remove('a'), true);
    assert.equal(await connections.remove('a'), false);
    assert.deepEqual(await connections.list(), []);
  });
}
