/** Disks that customers bring, over the whole server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { encodeExtent, EXTENTS_TYPE } from '#machines/disk-extents.ts';
import {
  ask,
  call,
  CUSTOMER,
  get,
  OPERATOR,
  OTHER_CUSTOMER,
  smallConfig,
} from '#test/api-client.ts';
import {
  callDisks,
  createDisk,
  qcow2Head,
  rawImage,
  sendPart,
  settledDisk,
  sha256,
} from '#test/disk-api.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { until } from '#test/until.ts';

const IMAGE = rawImage();
const RAW = { format: 'raw', size_bytes: IMAGE.length, sha256: sha256(IMAGE) };
const WHERE = { customer_id: '123' };

const reasonOf = ({ json }: { json: { details: { reason: string }[] } }) => json.details[0]?.reason;

describe('a disk that a customer brings', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer({ config: { disks: { maxDisks: 8, maxBytes: 1_000_000 } } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  it('comes piece by piece, is checked, and becomes the disk of a machine', async () => {
    const made = await createDisk(server, { ...RAW, id: 'web', name: 'web 1' });
    assert.equal(made.status, 201);
    assert.partialDeepStrictEqual(made.json, {
      state: 'receiving',
      offset: 0,
      path: null,
      ...WHERE,
    });
    const first = await sendPart(server, 'web', { offset: 0, body: IMAGE.subarray(0, 150_000) });
    assert.deepEqual([first.status, first.json.offset], [200, 150_000]);
    const again = await createDisk(server, { ...RAW, id: 'web', name: 'web 1' });
    assert.deepEqual([again.status, again.headers.get('upload-offset')], [200, '150000']);
    const head = await callDisks(server, '/web', { method: 'HEAD' });
    assert.equal(head.headers.get('upload-offset'), '150000');
    await sendPart(server, 'web', { offset: 150_000, body: IMAGE.subarray(150_000) });
    const { state, path } = await settledDisk(server, 'web');
    assert.deepEqual([state, path], ['ready', '/assets/customers/123/uploads/web.raw']);
    const file = join(server.imagesDir, 'customers/123/uploads/web.raw');
    assert.deepEqual(await readFile(file), IMAGE);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const repeated = await sendPart(server, 'web', { offset: IMAGE.length, body: '' });
    assert.deepEqual([repeated.status, repeated.json.state], [200, 'ready']);
    const disk = { id: 'root', path, is_root_device: true, interface_type: 'nvme' };
    const config = smallConfig({
      boot: { boot_options: { firmware: 'bios' } },
      storage: [{ ...disk, options: { write_mode: 'direct' } }],
      network: [{ id: 'eth0', interface_type: 'e1000e' }],
    });
    const { vm_id: vmId } = await ask(server, 'CreateVm', { config });
    const kept = await callDisks(server, '/web', { method: 'DELETE' });
    assert.deepEqual([kept.status, reasonOf(kept)], [412, 'DISK_IN_USE']);
    await ask(server, 'DeleteVm', { vm_id: vmId });
    assert.equal((await callDisks(server, '/web', { method: 'DELETE' })).status, 204);
    assert.equal((await callDisks(server, '/web')).status, 404);
    await assert.rejects(stat(file), { code: 'ENOENT' });
  });

  it('says where it goes on when somebody sends from elsewhere, or too much', async () => {
    await createDisk(server, { ...RAW, id: 'elsewhere' });
    await sendPart(server, 'elsewhere', { offset: 0, body: IMAGE.subarray(0, 1000) });
    for (const offset of [0, 999, 1001]) {
      const refused = await sendPart(server, 'elsewhere', { offset, body: 'x' });
      assert.deepEqual([refused.status, reasonOf(refused)], [409, 'OFFSET_MISMATCH']);
      assert.deepEqual(refused.json.details[0].metadata, { offset: '1000' });
    }
    assert.equal((await callDisks(server, '/elsewhere', { method: 'PATCH' })).status, 400);
    await createDisk(server, { ...RAW, id: 'short', size_bytes: 10 });
    const long = await sendPart(server, 'short', { offset: 0, body: 'x'.repeat(11) });
    assert.equal(long.status, 413);
    for (const id of ['elsewhere', 'short'])
      await callDisks(server, `/${id}`, { method: 'DELETE' });
  });

  it('comes without its zeros, of which it is only told', async () => {
    await createDisk(server, { ...RAW, id: 'holey' });
    const send = async (offset: number, ...extents: readonly Buffer[]) =>
      await callDisks(server, '/holey', {
        ...{ method: 'PATCH', body: Buffer.concat(extents) },
        headers: { 'upload-offset': String(offset), 'content-type': `${EXTENTS_TYPE}; v=1` },
      });
    const data = (from: number, to: number) => [
      ...[encodeExtent('data', to - from), IMAGE.subarray(from, to)],
    ];
    const first = await send(0, ...data(0, 60_000), ...data(60_000, 100_000));
    assert.equal(first.json.offset, 100_000);
    const tooMuch = await send(100_000, encodeExtent('zeros', 200_001));
    assert.deepEqual([tooMuch.status, reasonOf(tooMuch)], [413, 'BODY_TOO_LARGE']);
    const odd = await send(100_000, Buffer.from('no extents'));
    assert.equal(odd.status, 400);
    assert.match(odd.json.message, /the body: has an extent of the kind 110/);
    assert.equal((await callDisks(server, '/holey')).json.offset, 100_000);
    await send(100_000, encodeExtent('zeros', 100_000), ...data(200_000, 300_000));
    assert.equal((await settledDisk(server, 'holey')).state, 'ready');
    const file = join(server.imagesDir, 'customers/123/uploads/holey.raw');
    assert.deepEqual(await readFile(file), IMAGE);
    assert.ok((await stat(file)).blocks * 512 < 250_000, 'the zeros are a hole');
    await callDisks(server, '/holey', { method: 'DELETE' });
  });

  it('keeps what came when its connection is cut', async () => {
    await createDisk(server, { ...RAW, id: 'cut' });
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `PATCH /v1/disks/cut HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${CUSTOMER}\r\n` +
        'upload-offset: 0\r\ncontent-length: 300000\r\n\r\n',
    );
    socket.write(IMAGE.subarray(0, 70_000));
    const offset = async () => (await callDisks(server, '/cut')).json.offset;
    await until(async () => ((await offset()) >= 70_000 ? true : undefined), 'what was sent');
    // The old connection is still there: whoever comes later goes on all the same.
    const rest = await sendPart(server, 'cut', { offset: 70_000, body: IMAGE.subarray(70_000) });
    assert.equal(rest.status, 200);
    socket.destroy();
    assert.equal((await settledDisk(server, 'cut')).state, 'ready');
    await callDisks(server, '/cut', { method: 'DELETE' });
  });

  it('is refused with other bytes than were announced, and can be sent again', async () => {
    const wanted = { ...RAW, id: 'flipped' };
    const flipped = Buffer.from(IMAGE);
    flipped.writeUInt8(flipped.readUInt8(500) ^ 1, 500);
    await createDisk(server, wanted);
    await sendPart(server, 'flipped', { offset: 0, body: flipped });
    const failed = await settledDisk(server, 'flipped');
    assert.equal(failed.state, 'failed');
    assert.match(failed.error, /has the SHA-256 .*, and was to have /);
    const more = await sendPart(server, 'flipped', { offset: 0, body: 'x' });
    assert.deepEqual([more.status, reasonOf(more)], [412, 'DISK_FAILED']);
    const again = await createDisk(server, wanted);
    assert.deepEqual([again.status, again.json.state, again.json.offset], [200, 'receiving', 0]);
    await sendPart(server, 'flipped', { offset: 0, body: IMAGE });
    assert.equal((await settledDisk(server, 'flipped')).state, 'ready');
    await callDisks(server, '/flipped', { method: 'DELETE' });
  });

  for (const [what, image, format, why] of [
    ['a layer over a file of the host', qcow2Head('/etc/shadow'), 'qcow2', /layer over another/],
    ['a qcow2 that poses as raw', qcow2Head(), 'raw', /is qcow2, and was said to be raw/],
    ['a VMDK', Buffer.concat([Buffer.from('KDMV'), Buffer.alloc(600)]), 'raw', /is a VMDK image/],
  ] as const) {
    it(`is not ${what}, and no machine can have it meanwhile`, async () => {
      await createDisk(server, { id: 'evil', format, size_bytes: image.length });
      await sendPart(server, 'evil', { offset: 0, body: image.subarray(0, 600) });
      for (const path of ['.uploads/123/evil.part', `123/uploads/evil.${format}`]) {
        const disk = { id: 'root', path: `/assets/customers/${path}`, is_root_device: true };
        const config = smallConfig({ storage: [disk] });
        assert.equal((await call(server, 'CreateVm', { config })).status, 400);
      }
      await sendPart(server, 'evil', { offset: 600, body: image.subarray(600) });
      const { state, error } = await settledDisk(server, 'evil');
      assert.equal(state, 'failed');
      assert.match(error, why);
      await callDisks(server, '/evil', { method: 'DELETE' });
    });
  }

  it('is nobody else’s, and an operator says whose is meant', async () => {
    await createDisk(server, { ...RAW, id: 'mine' });
    for (const call of [
      {},
      { method: 'DELETE' },
      { method: 'PATCH', headers: { 'upload-offset': '0' }, body: 'x' },
    ]) {
      const refused = await callDisks(server, '/mine', { ...call, token: OTHER_CUSTOMER });
      assert.deepEqual([refused.status, reasonOf(refused)], [404, 'DISK_NOT_FOUND']);
      const named = await callDisks(server, '/mine?customer_id=123', { token: OTHER_CUSTOMER });
      assert.equal(named.status, 403);
    }
    assert.equal((await createDisk(server, { ...RAW, id: 'mine' }, OTHER_CUSTOMER)).status, 201);
    assert.equal((await callDisks(server, '')).json.total, 1);
    assert.equal((await callDisks(server, '/mine', { token: OPERATOR })).status, 400);
    for (const customer of ['123', 'other']) {
      const path = `/mine?customer_id=${customer}`;
      const { json } = await callDisks(server, path, { token: OPERATOR });
      assert.equal(json.customer_id, customer);
      const gone = await callDisks(server, path, { token: OPERATOR, method: 'DELETE' });
      assert.equal(gone.status, 204);
    }
  });

  it('has a plain name, a size and a format', async () => {
    for (const [change, why] of [
      [{ id: '../web' }, /id: must be 1 to 64/],
      [{ id: '.uploads' }, /id: must be/],
      [{ id: 'a'.repeat(65) }, /id: must be/],
      [{ customer_id: '../other' }, /customer_id: must be/],
      [{ name: 'a\nb' }, /name: must be/],
      [{ format: 'vmdk' }, /format: must be one of raw, qcow2/],
      [{ size_bytes: 0 }, /size_bytes: must be/],
      [{ sha256: 'xyz' }, /sha256: must be/],
      [{ colour: 'red' }, /"colour": is unknown/],
    ] as const) {
      const { status, json } = await createDisk(server, { ...RAW, ...change });
      assert.equal(status, 400);
      assert.match(json.message, why);
    }
    for (const path of ['/..%2f..%2fetc', '/%2e%2e', '/a.raw', '/mine?colour=red']) {
      assert.ok([400, 404].includes((await callDisks(server, path)).status), path);
    }
    assert.equal((await callDisks(server, '')).json.total, 0);
  });

  it('counts against the quota from its announcement on', async () => {
    const most = { format: 'raw', size_bytes: 600_000 };
    assert.equal((await createDisk(server, { ...most, id: 'one' })).status, 201);
    const second = await createDisk(server, { ...most, id: 'two' });
    assert.deepEqual([second.status, reasonOf(second)], [429, 'QUOTA_EXCEEDED']);
    const another = await createDisk(server, { ...most, id: 'one', size_bytes: 7 });
    assert.deepEqual([another.status, reasonOf(another)], [409, 'DISK_EXISTS']);
    for (let count = 2; count <= 8; count += 1) {
      assert.equal((await createDisk(server, { format: 'raw', size_bytes: 1 })).status, 201);
    }
    const ninth = await createDisk(server, { format: 'raw', size_bytes: 1 });
    assert.match(ninth.json.message, /customer quota of 8 disks is used up/);
    const abilities = await get(server, '/v1/abilities', { token: CUSTOMER });
    assert.partialDeepStrictEqual(abilities.json, {
      upload_types: ['application/octet-stream', EXTENTS_TYPE],
      ...{ may_change: true, disk_interfaces: ['virtio', 'sata', 'nvme'] },
      disks: { count: 8, max_count: 8, bytes: 600_007, max_bytes: 1_000_000 },
    });
  });
});
