import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { ScriptedVirsh, type Script } from '#test/libvirt/scripted-virsh.ts';
import { LibvirtHost } from './libvirt-host.ts';
import { NetworkFinder } from './network-finder.ts';
import { StorageFinder, type StorageFinderOptions } from './storage-finder.ts';

const signal = new AbortController().signal;

async function openFinder(t: TestContext, options: Partial<StorageFinderOptions> = {}) {
  const path = await mkdtemp(join(tmpdir(), 'drover-finder-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const pool = (type: string, state = 'running') =>
    `<pool type='${type}'><target><path>${path}</path></target></pool>\n\nState: ${state}\n`;
  const virsh = new ScriptedVirsh({
    'pool-list --name --all': ' default \n lvm\n odd\n asleep\n\n',
    'pool-dumpxml --pool="default"; pool-info --pool="default"': pool('dir'),
    'pool-dumpxml --pool="lvm"': pool('logical'),
    'pool-dumpxml --pool="odd"': pool('rbd'),
    'pool-dumpxml --pool="asleep"': pool('dir', 'inactive'),
    'pool-dumpxml --pool="nowhere"': "!error: failed to get pool 'nowhere'",
    'pool-dumpxml --pool="a\\"; pool-destroy \\\\"': pool('dir'),
  });
  const host = new LibvirtHost(virsh);
  const defaults = { host, clock: new FakeClock(), isLocal: true, workDirectory: path };
  const none = { pool: undefined, directory: undefined };
  return { path, finder: new StorageFinder({ ...defaults, ...none, ...options }) };
}

describe('StorageFinder', () => {
  it('prefers the mapping to the target, and the target to the pool default', async (t) => {
    const { finder, path } = await openFinder(t);
    assert.equal((await finder.find(undefined, signal)).label, 'pool default');
    assert.equal((await finder.find(path, signal)).directory, path);
    assert.equal((await finder.find('a"; pool-destroy \\', signal)).directory, path);
    const { finder: withPool } = await openFinder(t, { pool: 'lvm' });
    assert.equal((await withPool.find(undefined, signal)).label, 'pool lvm');
    assert.equal((await withPool.find('default', signal)).label, 'pool default');
  });

  it('writes in place where it can, and sends what it cannot reach', async (t) => {
    const { finder, path } = await openFinder(t);
    assert.equal((await finder.find('default', signal)).directory, path);
    const block = await finder.find('lvm', signal);
    assert.deepEqual([block.directory, block.onlyFormat], [undefined, 'raw']);
    const { finder: remote } = await openFinder(t, { isLocal: false });
    const far = await remote.find('default', signal);
    assert.deepEqual([far.directory, far.onlyFormat], [undefined, undefined]);
  });

  it('follows links to see whether disks may go there', async (t) => {
    const { path } = await openFinder(t);
    await mkdir(join(path, 'images'));
    await mkdir(join(path, 'other'));
    await symlink(join(path, 'other'), join(path, 'images/out'));
    await symlink(join(path, 'images'), join(path, 'in'));
    const images = await realpath(join(path, 'images'));
    const { finder } = await openFinder(t, { allowed: [images, join(path, 'in')] });
    assert.equal((await finder.find(join(path, 'in'), signal)).directory, images);
    for (const each of [join(path, 'images/out'), join(path, 'other'), '/tmp']) {
      await assert.rejects(finder.find(each, signal), {
        ...{ kind: 'permission_denied', reason: 'DIRECTORY_NOT_ALLOWED' },
        message: /^options.storage_mapping: is in none of the folders/,
      });
    }
    const { finder: byDefault } = await openFinder(t, { allowed: [images], directory: '/tmp' });
    await assert.rejects(byDefault.find(undefined, signal), /^.*destination.directory: is in none/);
  });

  it('refuses what cannot hold disks, and says what could', async (t) => {
    const { finder, path } = await openFinder(t);
    const { finder: remote } = await openFinder(t, { isLocal: false });
    const refusals = [
      [() => finder.find('nowhere', signal), 'POOL_MISSING', /it has default, lvm, odd, asleep/],
      [() => finder.find('asleep', signal), 'POOL_INACTIVE', /is not active/],
      [() => finder.find('odd', signal), 'POOL_UNSUITED', /is of type rbd/],
      [() => finder.find(`${path}/../x`, signal), 'INVALID_FIELD', /without \. and \.\./],
      [
        () => finder.find('/proc/1/fdinfo/x', signal),
        'DIRECTORY_NOT_WRITABLE',
        /may write no files/,
      ],
      [() => remote.find(path, signal), 'DIRECTORY_IS_REMOTE', /on another host/],
    ] as const;
    for (const [find, reason, message] of refusals) {
      await assert.rejects(find, { reason, message });
    }
  });
});

const NETWORKS: Script = {
  'net-list --name': 'lan\n',
  'net-list --name --all': 'lan\nasleep\n',
  'iface-dumpxml --interface=br0': "<interface type='bridge' name='br0'/>",
  'iface-dumpxml --interface=eth0': "<interface type='ethernet' name='eth0'/>",
  'iface-dumpxml --interface=nowhere': "!error: Interface not found: couldn't find interface",
};

function networksOf(script: Script, scope: 'system' | 'session' = 'system'): NetworkFinder {
  return new NetworkFinder(new LibvirtHost(new ScriptedVirsh(script)), scope);
}

describe('NetworkFinder', () => {
  it('finds networks first, then bridges', async () => {
    const places = await networksOf(NETWORKS).places(['br0', 'lan', 'br0', 'asleep'], signal);
    assert.deepEqual(places, [
      { kind: 'bridge', name: 'br0' },
      { kind: 'network', name: 'lan' },
      { kind: 'bridge', name: 'br0' },
      { kind: 'network', name: 'asleep' },
    ]);
    const found = await networksOf(NETWORKS).find(['asleep'], signal);
    assert.deepEqual(found.get('asleep'), {
      ...{ place: { kind: 'network', name: 'asleep' }, isActive: false, isCertain: true },
    });
  });

  it('refuses what is neither, naming the networks there are', async () => {
    for (const name of ['eth0', 'nowhere', 'a name that no interface has']) {
      await assert.rejects(networksOf(NETWORKS).places([name], signal), {
        reason: 'NETWORK_MISSING',
        message: /of networks it has lan, asleep$/,
      });
    }
  });

  it('knows QEMU’s own network in sessions alone', async () => {
    assert.deepEqual(await networksOf(NETWORKS, 'session').places(['user'], signal), [
      { kind: 'user' },
    ]);
    const script = { ...NETWORKS, 'iface-dumpxml': '!error: Interface not found' };
    await assert.rejects(networksOf(script).places(['user'], signal), {
      kind: 'failed_precondition',
    });
  });

  it('is not certain of a bridge where libvirt knows no interfaces', async () => {
    const refusal = '!error: this function is not supported by the connection driver';
    const script = { ...NETWORKS, 'iface-dumpxml': refusal };
    const found = await networksOf(script).find(['br7'], signal);
    assert.deepEqual(found.get('br7'), {
      ...{ place: { kind: 'bridge', name: 'br7' }, isActive: true, isCertain: false },
    });
  });
});
