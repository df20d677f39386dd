import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { readSpec } from './migration-spec.ts';
import { parseMigration } from './parse-migration.ts';

const DOCUMENTED = {
  vm_path: 'Datacenter/vm/production/web-server-1',
  source: {
    type: 'vsphere',
    vcenter_url: 'vcenter.example.com',
    username: 'admin@vsphere.local',
    password: 'password',
    datacenter: 'Datacenter',
  },
  destination: { type: 'kvm', libvirt_uri: 'qemu+ssh://user@host/system' },
  options: { conversion_method: 'vddk', network_mapping: { 'VM Network': 'br0' } },
};

function problemsOf(raw: unknown): string {
  try {
    parseMigration(raw);
  } catch (thrown) {
    assert.ok(thrown instanceof DroverError);
    assert.equal(thrown.kind, 'invalid_argument');
    return thrown.message;
  }
  return assert.fail('it was taken');
}

describe('parseMigration', () => {
  it('takes the documented request, and keeps the password apart', () => {
    const request = parseMigration(DOCUMENTED);
    assert.equal(request.kind, 'migration');
    assert.deepEqual(request.secrets, { password: 'password' });
    assert.doesNotMatch(JSON.stringify(request.spec), /"password"/);
    assert.deepEqual(request.lanes, [
      'destination:qemu+ssh://user@host/system',
      'vcenter:vcenter.example.com',
    ]);
    const { source, options } = readSpec({ spec: request.spec });
    assert.deepEqual(source, {
      ...{ kind: 'vsphere', connection: undefined, url: 'https://vcenter.example.com/sdk' },
      ...{ username: 'admin@vsphere.local', datacenter: 'Datacenter' },
      trust: { ca: undefined, thumbprint: undefined, isInsecure: false },
    });
    assert.deepEqual(options.networkMapping, { 'VM Network': 'br0' });
    assert.deepEqual([options.transport, options.power], ['vddk', 'require-off']);
  });

  it('takes what clients of the program before it send', () => {
    const { spec, secrets } = parseMigration({
      vm_path: '/DC0/vm/db',
      output_dir: '/exports/db',
      vcenter: { server: '10.0.0.5', username: 'root', password: 'x', insecure: true },
      export_method: 'web',
      compress: true,
    });
    const { vmPath, source, destination, options } = readSpec({ spec });
    assert.equal(vmPath, 'DC0/vm/db');
    assert.deepEqual(secrets, { password: 'x' });
    assert.ok(source.kind === 'vsphere' && source.connection === undefined);
    assert.deepEqual([source.url, source.trust.isInsecure], ['https://10.0.0.5/sdk', true]);
    assert.deepEqual(destination, { kind: 'file', directory: '/exports/db' });
    assert.deepEqual([options.transport, options.isCompressed], ['nfc', true]);
  });

  it('needs no login where a connection is named, or the process has one of its own', () => {
    const named = parseMigration({ ...DOCUMENTED, source: { connection: 'lab' } });
    assert.deepEqual(readSpec(named).source, { kind: 'vsphere', connection: 'lab' });
    assert.equal(named.secrets, undefined);
    const { source: _source, ...without } = DOCUMENTED;
    assert.deepEqual(readSpec(parseMigration(without)).source, { kind: 'default' });
  });

  it('makes one job of many of a path with stars', () => {
    const request = parseMigration({ ...DOCUMENTED, vm_path: 'Datacenter/vm/production/*' });
    assert.equal(request.kind, 'migration-fan-out');
  });

  it('names all that is wrong at once, and quotes no password', () => {
    const text = problemsOf({
      vm_path: 7,
      source: { type: 'vsphere', vcenter_url: 'ftp://x', username: 'u', password: 12_345 },
      destination: { type: 'floppy' },
      options: { conversion_method: 'magic', network_mapping: { a: 1 }, parallel_disks: 99 },
      priority: 1000,
    });
    for (const field of [
      'vm_path: must be the inventory path',
      'source.password: must be',
      'source.vcenter_url: must be a host or URL',
      'destination.type: must be one of kvm, drover, file, not "floppy"',
      'options.conversion_method: must be one of auto',
      'options.network_mapping.a: must be',
      'options.parallel_disks: must be a whole number from 1 to 16',
      'priority: must be',
    ]) {
      assert.ok(text.includes(field), `${field}\n${text}`);
    }
    assert.ok(!text.includes('12345'));
  });

  it('takes this Drover and a customer as the destination, and not another Drover yet', () => {
    const at = (destination: object) => ({ ...DOCUMENTED, destination });
    const { spec, lanes } = parseMigration(at({ type: 'drover', customer_id: 'acme' }));
    const expected = { kind: 'drover', customerId: 'acme', readyText: undefined };
    assert.deepEqual(readSpec({ spec }).destination, expected);
    assert.equal(lanes?.[0], 'destination:drover');
    assert.match(problemsOf(at({ type: 'drover' })), /destination\.customer_id: is missing/);
    for (const id of ['../acme', '', 'a/b', 7]) {
      const text = problemsOf(at({ type: 'drover', customer_id: id }));
      assert.match(text, /destination\.customer_id: must be 1 to 128/);
    }
    const other = { type: 'drover', customer_id: 'acme', url: 'https://x', token: 't0p' };
    const text = problemsOf(at({ ...other, pool: 'fast' }));
    assert.match(text, /destination\.url: must be left out: another Drover cannot be/);
    assert.match(text, /destination\.pool: must be left out/);
    assert.ok(!text.includes('t0p'));
  });

  it('refuses what leads out of a folder, and what has no destination', () => {
    const { destination: _destination, ...without } = DOCUMENTED;
    assert.match(problemsOf(without), /destination: is missing/);
    for (const directory of ['exports', '/exports/../etc', '/a\nb', '']) {
      const destination = { type: 'file', directory };
      assert.match(problemsOf({ ...DOCUMENTED, destination }), /destination\.directory: must be/);
    }
    assert.match(problemsOf('vm'), /the job: must be a map/);
    assert.match(problemsOf(null), /the job: must be a map/);
  });
});
