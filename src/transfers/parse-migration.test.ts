import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { DOCUMENTED_JOB } from '#test/documented-job.ts';
import { bandwidthLimitOf, parseControls } from './parse-controls.ts';
import { readSpec } from './migration-spec.ts';
import { parseMigration } from './parse-migration.ts';
import { secretUsesOf } from './secret-uses.ts';

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
    const request = parseMigration(DOCUMENTED_JOB);
    assert.equal(request.kind, 'migration');
    assert.deepEqual(request.secrets, { password: 's3cr3t-of-vcenter' });
    assert.doesNotMatch(JSON.stringify(request.spec), /s3cr3t/);
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

  it('takes a limit of bandwidth, which what is said later changes or lifts', () => {
    const limitOf = (limit: unknown, changes: object = {}) => {
      const { spec } = parseMigration({ ...DOCUMENTED_JOB, options: { bandwidth_limit: limit } });
      return bandwidthLimitOf({ spec, controls: { ...changes } });
    };
    assert.equal(limitOf('50MiB/s'), 50 * MIB);
    assert.equal(limitOf(null), undefined);
    assert.equal(limitOf(MIB, parseControls({ bandwidth_limit: '2MiB' })), 2 * MIB);
    assert.equal(limitOf(MIB, parseControls({ bandwidth_limit: null })), undefined);
    assert.match(
      problemsOf({ ...DOCUMENTED_JOB, options: { bandwidth_limit: 5 } }),
      /be a rate from/,
    );
    assert.equal(bandwidthLimitOf({ spec: {}, controls: {} }), undefined);
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
    const named = parseMigration({ ...DOCUMENTED_JOB, source: { connection: 'lab' } });
    assert.deepEqual(readSpec(named).source, { kind: 'vsphere', connection: 'lab' });
    assert.equal(named.secrets, undefined);
    const { source: _source, ...without } = DOCUMENTED_JOB;
    assert.deepEqual(readSpec(parseMigration(without)).source, { kind: 'default' });
  });

  it('makes one job of many of a path with stars', () => {
    const request = parseMigration({ ...DOCUMENTED_JOB, vm_path: 'Datacenter/vm/production/*' });
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

  it('takes this Drover and a customer as the destination', () => {
    const at = (destination: object) => ({ ...DOCUMENTED_JOB, destination });
    const { spec, lanes } = parseMigration(at({ type: 'drover', customer_id: 'acme' }));
    const expected = { kind: 'drover', customerId: 'acme', readyText: undefined };
    assert.deepEqual(readSpec({ spec }).destination, expected);
    assert.equal(lanes?.[0], 'destination:drover');
    assert.match(problemsOf(at({ type: 'drover' })), /destination\.customer_id: is missing/);
    for (const id of ['../acme', '', 'a/b', 7]) {
      const text = problemsOf(at({ type: 'drover', customer_id: id }));
      assert.match(text, /destination\.customer_id: must be 1 to 128/);
    }
    const stray = problemsOf(at({ type: 'drover', customer_id: 'acme', token: 't0p' }));
    assert.match(stray, /destination\.token: goes with the url of another Drover/);
    assert.ok(!stray.includes('t0p'));
  });

  it('takes another Drover, whose token is kept apart and travels in no clear', () => {
    const other = { type: 'drover', customer_id: 'acme', url: 'two.example.com:8443/' };
    const at = (changes: object) => ({
      ...{ ...DOCUMENTED_JOB, destination: { ...other, token: 't0p', ...changes } },
    });
    const { spec, lanes, secrets } = parseMigration(at({ thumbprint: 'ab'.repeat(32) }));
    assert.deepEqual(secrets, { password: 's3cr3t-of-vcenter', token: 't0p' });
    assert.deepEqual(readSpec({ spec }).destination, {
      ...{ kind: 'drover', customerId: 'acme', readyText: undefined },
      remote: {
        url: 'https://two.example.com:8443',
        trust: { ca: undefined, thumbprint: 'ab'.repeat(32), isInsecure: false },
      },
    });
    assert.equal(lanes?.[0], 'destination:https://two.example.com:8443');
    assert.doesNotMatch(JSON.stringify(spec), /t0p/);
    for (const [change, why] of [
      [{ url: 'http://two.example.com' }, /destination\.url: must begin with https:/],
      [{ url: 'https://ada:t0p@x' }, /destination\.url: must not hold a user/],
      [{ url: 'ftp://x' }, /destination\.url: must be a host or URL/],
      [{ insecure: true, thumbprint: 'ab'.repeat(32) }, /destination\.insecure: believes every/],
      [{ token: undefined }, /destination\.token: is missing/],
      [{ pool: 'fast' }, /destination\.pool: must be left out/],
    ] as const) {
      const text = problemsOf(at(change));
      assert.match(text, why);
      assert.ok(!text.includes('t0p'), text);
    }
    const local = parseMigration(at({ url: 'http://127.0.0.1:8080' }));
    assert.equal(local.lanes?.[0], 'destination:http://127.0.0.1:8080');
  });

  it('says which secrets a job needs, and for whom', () => {
    const drover = { type: 'drover', customer_id: 'acme', url: 'two.example.com', token: 't' };
    const usesOf = (changes: object) =>
      secretUsesOf(parseMigration({ ...DOCUMENTED_JOB, ...changes }).spec);
    const login = { name: 'password', field: 'source.password' };
    const vcenter = { ...login, place: 'https://vcenter.example.com/sdk admin@vsphere.local' };
    const token = { name: 'token', field: 'destination.token', place: 'https://two.example.com' };
    assert.deepEqual(usesOf({}), [vcenter]);
    assert.deepEqual(usesOf({ destination: drover }), [vcenter, token]);
    assert.deepEqual(usesOf({ source: { connection: 'lab' }, destination: drover }), [token]);
    assert.deepEqual(usesOf({ source: { type: 'file', path: '/a' } }), []);
  });

  it('takes a URI of libvirt that it could use, and repeats no password in it', () => {
    const at = (uri: string) => ({ ...DOCUMENTED_JOB, destination: { libvirt_uri: uri } });
    for (const uri of [
      ...['qemu+ssh://root:sekret99@host/system', '"; rm -rf /"', 'bogus:x', ''],
      `qemu+ssh://root:sekret99@host/system?keyfile=/${'a'.repeat(300)}`,
    ]) {
      const text = problemsOf(at(uri));
      assert.match(text, /destination\.libvirt_uri: must/);
      assert.ok(!text.includes('sekret99'));
    }
    parseMigration(at('qemu:///session'));
  });

  it('takes null for what is left out, wherever it stands', () => {
    const nothing = { id: null, name: null, priority: null, max_attempts: null, batch_id: null };
    const source = { ...DOCUMENTED_JOB.source, datacenter: null, thumbprint: null, ca: null };
    const destination = { ...DOCUMENTED_JOB.destination, pool: null, directory: null };
    const request = { ...DOCUMENTED_JOB, ...nothing, source, destination, metadata: { a: null } };
    const { datacenter: _, ...elsewhere } = DOCUMENTED_JOB.source;
    assert.deepEqual(
      parseMigration(request),
      parseMigration({ ...DOCUMENTED_JOB, source: elsewhere }),
    );
  });

  it('sends no login elsewhere than it was meant for, and drops no part of it', () => {
    const at = (source: object) => ({ ...DOCUMENTED_JOB, source });
    const mistyped = { vcenter_ulr: 'vc.lab', username: 'u', password: 'pass1' };
    assert.match(
      problemsOf(at(mistyped)),
      /source\.vcenter_url: is missing: where is the username/,
    );
    for (const part of [{ password: 'pass1' }, { thumbprint: 'ab' }, { ca: 'x' }]) {
      assert.match(problemsOf(at(part)), /source\.vcenter_url: is missing/);
    }
    for (const [name, value] of Object.entries({ ...mistyped, thumbprint: 'ab', insecure: true })) {
      if (name === 'vcenter_ulr') continue;
      const text = problemsOf(at({ connection: 'lab', [name]: value }));
      assert.match(text, new RegExp(`source\\.${name}: must be left out`));
      assert.ok(!text.includes('pass1'));
    }
    const within = readSpec(parseMigration(at({ connection: 'lab', datacenter: 'DC1' })));
    assert.deepEqual(within.source, { kind: 'vsphere', connection: 'lab', datacenter: 'DC1' });
  });

  it('gives one name to one VM alone', () => {
    const many = { ...DOCUMENTED_JOB, vm_path: 'DC0/vm/*', options: { target_name: 'web' } };
    assert.match(problemsOf(many), /options\.target_name: must be left out where vm_path stands/);
  });

  it('takes metadata of texts, numbers and flags, and nothing that is more', () => {
    const { spec } = parseMigration({ ...DOCUMENTED_JOB, metadata: { a: 'x', b: 1, c: true } });
    assert.deepEqual(readSpec({ spec }).metadata, { a: 'x', b: '1', c: 'true' });
    for (const [metadata, field] of [
      [{ a: { b: 1 } }, 'metadata\\.a: must be a text'],
      [{ ok: 1, list: [1] }, 'metadata\\.list: must be a text'],
      [{ long: 'x'.repeat(2000) }, 'metadata\\.long: must be'],
      ['text', 'metadata: must be a map'],
    ] as const) {
      assert.match(problemsOf({ ...DOCUMENTED_JOB, metadata }), new RegExp(field));
    }
  });

  it('refuses what leads out of a folder, and what has no destination', () => {
    const { destination: _destination, ...without } = DOCUMENTED_JOB;
    assert.match(problemsOf(without), /destination: is missing/);
    for (const directory of ['exports', '/exports/../etc', '/a\nb', '']) {
      const destination = { type: 'file', directory };
      assert.match(
        problemsOf({ ...DOCUMENTED_JOB, destination }),
        /destination\.directory: must be/,
      );
    }
    assert.match(problemsOf('vm'), /the job: must be a map/);
    assert.match(problemsOf(null), /the job: must be a map/);
  });
});
