import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WEB_SERVER } from '#test/fake-vsphere.ts';
import { injectMigration } from '#test/migration-fixture.ts';

const LOGIN = { vcenter_url: 'vcenter.example.com', username: 'admin', password: 's3cr3t' };
const QUERY = new URLSearchParams(LOGIN).toString();
const PATH = WEB_SERVER.path;
const NOW = '2026-01-17T10:30:00.000Z';
const SUMMARY = {
  ...{ name: 'web-server-1', path: PATH, power_state: 'poweredOn', num_cpu: 4 },
  ...{ memory_mb: 8192, storage: 107374182400, guest_os: 'Ubuntu Linux (64-bit)' },
  ...{ ip_address: '192.168.1.10', storage_bytes: 107374182400, ref: 'vm-42' },
  ...{ host: 'esx-1', template: false },
};

describe('/vms/list', () => {
  it('answers the documented fields', async () => {
    const { call } = injectMigration();
    const { status, json } = await call('GET', `/vms/list?${QUERY}`);
    assert.equal(status, 200);
    assert.deepEqual(json, { vms: [SUMMARY], total: 1, timestamp: NOW });
  });

  it('logs in where it is told to, and closes the login', async () => {
    const { call, fake } = injectMigration();
    await call('GET', `/vms/list?${QUERY}&datacenter=DC0&pattern=DC0/vm/*&insecure=true`);
    const [{ spec, password } = {}] = fake.vsphere.opened;
    assert.deepEqual(spec, {
      ...{ kind: 'vsphere', connection: undefined, url: 'https://vcenter.example.com/sdk' },
      ...{ username: 'admin', datacenter: 'DC0' },
      trust: { ca: undefined, thumbprint: undefined, isInsecure: true },
    });
    assert.equal(password, 's3cr3t');
    assert.deepEqual(fake.vsphere.listed, [{ datacenter: 'DC0', pattern: 'DC0/vm/*' }]);
    assert.equal(fake.vsphere.closed, 1);
  });

  const origins: readonly (readonly [what: string, body: object, spec: object])[] = [
    ['server for vcenter_url', { ...LOGIN, server: 'other.test', vcenter_url: null }, {}],
    ['a source as jobs have it', { source: { type: 'vsphere', ...LOGIN } }, {}],
    ['a connection', { connection: 'lab' }, { kind: 'vsphere', connection: 'lab' }],
    ['nothing, for what the server knows', {}, { kind: 'default' }],
    ['a folder', { source: { type: 'file', path: '/srv' } }, { kind: 'file', path: '/srv' }],
    ['every folder', { source: { type: 'file' } }, { kind: 'file', path: undefined }],
    ['a folder in a query', { type: 'file', path: '/srv' }, { kind: 'file', path: '/srv' }],
  ];
  for (const [what, body, spec] of origins) {
    it(`takes ${what}`, async () => {
      const { call, fake } = injectMigration();
      assert.equal((await call('POST', '/vms/list', body)).status, 200);
      assert.partialDeepStrictEqual(fake.vsphere.opened[0]?.spec, spec);
    });
  }

  const refused: readonly (readonly [what: string, body: object, text: RegExp])[] = [
    ['a login without a place', { username: 'a', password: 'b' }, /vcenter_url: is missing/],
    ['a place without a login', { vcenter_url: 'vc.test' }, /username: is missing/],
    [
      'a path that climbs',
      { source: { type: 'file', path: '/srv/../etc' } },
      /path: must be an abs/,
    ],
    ['a place in the clear', { ...LOGIN, vcenter_url: 'http://vc.test' }, /must begin with https/],
    ['a wrong password', { ...LOGIN, password: 'wrong' }, /^the vCenter refused/],
    ['a password that is too long', { ...LOGIN, password: 'x'.repeat(2000) }, /at most 1024/],
  ];
  for (const [what, body, text] of refused) {
    it(`refuses ${what}`, async () => {
      const { call } = injectMigration();
      const { status, json } = await call('POST', '/vms/list', body);
      assert.equal(status, 400);
      assert.match(String(json['error']), text);
      assert.doesNotMatch(JSON.stringify(json), /xxxxx|"wrong"/);
    });
  }

  it('leaves no password in the log, however the query spells it', async () => {
    const { call, logged } = injectMigration();
    await call('GET', `/vms/list?${QUERY}`);
    await call('GET', '/vms/list?vcenter_url=vc&username=a&pass%77ord=s3cr3t');
    await call('GET', '/vms/list?vcenter_url=http://vc.test&username=a&PASSWORD=s3cr3t');
    await call('GET', '/vms/info?vcenter_url=https://u:s3cr3t@vc&username=a&password=s3cr3t');
    const paths = logged.records().flatMap(({ path }) => (path === undefined ? [] : [path]));
    assert.equal(paths.length, 4);
    assert.match(JSON.stringify(paths[0]), /^"\/vms\/list\?.*password=\[redacted\]"$/);
    assert.doesNotMatch(logged.text(), /s3cr3t/);
  });
});

describe('/vms/info', () => {
  it('answers the documented fields, by GET and by POST', async () => {
    const { call } = injectMigration();
    const found = await call('GET', `/vms/info?${QUERY}&vm_path=${encodeURIComponent(PATH)}`);
    assert.equal(found.status, 200);
    assert.partialDeepStrictEqual(found.json, {
      ...{ name: 'web-server-1', path: PATH, power_state: 'poweredOn', success: true },
      uuid: '42329208-8c5a-3254-1234-567890abcdef',
      hardware: { num_cpu: 4, memory_mb: 8192, num_virtual_disks: 1 },
      disks: [
        {
          ...{ label: 'Hard disk 1', capacity_kb: 104857600 },
          file_path: '[datastore1] web-server-1/web-server-1.vmdk',
        },
      ],
      ...{ vm_info: SUMMARY, timestamp: NOW },
    });
    const posted = await call('POST', '/vms/info', { ...LOGIN, vm_path: `/${PATH}` });
    assert.deepEqual(posted.json, found.json);
  });

  it('of a VM that is not there is 404, and without a path 400', async () => {
    const { call, fake } = injectMigration();
    const { status, json } = await call('GET', `/vms/info?${QUERY}&vm_path=DC0/vm/x`);
    assert.deepEqual([status, json['error']], [404, 'there is no VM DC0/vm/x']);
    assert.equal(fake.vsphere.closed, 1);
    const missing = await call('POST', '/vms/info', LOGIN);
    assert.equal(missing.status, 400);
    assert.match(String(missing.json['error']), /vm_path: is missing/);
  });
});

describe('what is done to a VM', () => {
  it('is done to none in files, which can only be looked at', async () => {
    const { call, fake } = injectMigration();
    const request = { source: { type: 'file', path: '/srv' }, vm_path: PATH };
    assert.equal((await call('POST', '/vms/info', request)).status, 200);
    const { status, json } = await call('POST', '/vms/poweroff', request);
    assert.equal(status, 400);
    assert.match(String(json['error']), /^source.type: must be vsphere/);
    assert.deepEqual(fake.vsphere.asked, []);
  });

  const commands = [
    ['/vms/shutdown', 'VM shutdown initiated', 'shut down vm-42'],
    ['/vms/poweroff', 'VM powered off', 'power off vm-42'],
    ['/vms/remove-cdrom', 'CD-ROM devices removed', 'remove the drives of vm-42'],
  ] as const;
  for (const [url, message, asked] of commands) {
    it(`by POST ${url} is answered as documented`, async () => {
      const { call, fake } = injectMigration();
      const { status, json } = await call('POST', url, { ...LOGIN, vm_path: PATH });
      assert.equal(status, 200);
      assert.partialDeepStrictEqual(json, { message, success: true, timestamp: NOW });
      assert.deepEqual(fake.vsphere.asked, [asked]);
      assert.equal(fake.vsphere.closed, 1);
    });

    it(`is not done by GET ${url}`, async () => {
      const { call, fake } = injectMigration();
      const { status } = await call('GET', `${url}?${QUERY}&vm_path=${PATH}`);
      assert.equal(status, 405);
      assert.deepEqual(fake.vsphere.asked, []);
    });
  }
});
