/** Another Drover is the whole server, with a host behind it that is pretended. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request as requestHttp } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { CustomerId } from '#kernel/ids.ts';
import { specToConfig } from '#surfaces/vm-service/config/spec-to-config.ts';
import { ask, createVm, CUSTOMER, OPERATOR } from '#test/api-client.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { callDisks, rawImage } from '#test/disk-api.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { WEB_SERVER } from '#test/fake-migration.ts';
import { listening, openServer } from '#test/loopback-server.ts';
import { until } from '#test/until.ts';
import { machineIdOf } from '#transfers/machine-plan.ts';
import type { Sending, TargetVm } from '#transfers/target.ts';
import { DroverRemoteTarget, type DroverRemoteTargetOptions } from './drover-remote-target.ts';

const SIGNAL = new AbortController().signal;
const TRUST = { ca: undefined, thumbprint: undefined, isInsecure: false };
const IMAGES = [rawImage(300_000), rawImage(150_000)];
const ADA = '123' as CustomerId;

function vmOf(owner: string, changes: Partial<TargetVm> = {}): TargetVm {
  return {
    ...{ name: 'web-1', owner, uuid: undefined, cpus: 2, coresPerSocket: 1, memoryMib: 2048 },
    ...{ firmware: 'bios', isSecureBoot: false, hasTpm: false, guestId: undefined },
    disks: IMAGES.map((image, at) => ({
      ...{ key: `200${at}`, capacityBytes: image.length, format: 'raw', bus: 'sata' },
      storage: undefined,
    })),
    nics: [{ mac: '00:50:56:AB:00:01', network: 'VM Network', model: 'e1000e', isConnected: true }],
    ...changes,
  };
}

async function hash(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

describe('DroverRemoteTarget', () => {
  let server: TestServer;
  let work: string;
  const logs: string[] = [];
  const steps: string[] = [];
  before(async () => {
    server = await openTestServer({
      config: { disks: { maxDisks: 20, maxBytes: 4_000_000 }, quota: QUOTA },
    });
    work = await mkdtemp(join(tmpdir(), 'drover-remote-'));
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(work, { recursive: true });
  });

  interface Changes extends Partial<DroverRemoteTargetOptions> {
    readonly token?: string;
    readonly url?: string;
  }

  function open({ token = CUSTOMER, url = server.url, ...changes }: Changes = {}) {
    return new DroverRemoteTarget({
      ...{ clock: systemClock, customerId: ADA, readyText: 'all well', toGiven: specToConfig },
      ...{ remote: { url, trust: TRUST }, workDirectory: join(work, 'to-send'), hash },
      job: {
        ...{ secrets: { token }, step: (text) => steps.push(text) },
        log: (level, text) => logs.push(`${level} ${text}`),
      },
      ...changes,
    });
  }

  async function fill(target: DroverRemoteTarget, vm: TargetVm) {
    const places = await target.placeDisks(vm, SIGNAL);
    for (const [at, { path }] of places.entries()) await writeFile(path, IMAGES[at] ?? '');
    return places;
  }

  const advanced: number[] = [];
  const sending: Sending = {
    begin: (lengths) => advanced.push(...lengths.values()),
    advance: (_key, doneBytes) => advanced.push(doneBytes),
    limiter: { take: async () => undefined },
  };

  async function bring(
    target: DroverRemoteTarget,
    vm: TargetVm,
    { signal = SIGNAL, limiter = sending.limiter } = {},
  ) {
    const places = await target.placeDisks(vm, SIGNAL);
    await target.sendDisks(vm, places, { ...sending, limiter }, signal);
    await target.adoptDisks(vm, places, signal);
  }

  /** Some of the first disk. */
  const arrived = async (vm: TargetVm) =>
    void (await until(async () => {
      const { json } = await callDisks(server, `/${machineIdOf(vm)}-disk-0`);
      return json.offset > 0 ? true : undefined;
    }, 'the first bytes'));
  const disksThere = async (): Promise<{ id: string; state: string }[]> =>
    (await callDisks(server, '')).json.disks;
  const codesOf = async (target: DroverRemoteTarget, vm: TargetVm) =>
    (await target.check(vm, WEB_SERVER, SIGNAL)).map(({ code }) => code);

  it('makes a VM a machine there that boots from the disks it was sent with', async () => {
    await using target = open();
    const vm = vmOf('job-1');
    assert.deepEqual(await codesOf(target, vm), []);
    const places = await fill(target, vm);
    await bring(target, vm);
    await assert.rejects(access(places[0]?.path ?? ''), { code: 'ENOENT' });
    const { ref, summary } = await target.define(vm, places, SIGNAL);
    assert.equal(ref, machineIdOf(vm));
    assert.equal(summary['drover_url'], server.url);
    const { spec, customerId } = await server.server.context.machines.get(
      { kind: 'operator', name: 'o', via: 'dev', scopes: ['operator'] },
      ref,
    );
    assert.deepEqual(
      [customerId, spec.boot.kind, spec.cpu.topology?.sockets],
      [ADA, 'firmware', 2],
    );
    for (const [at, disk] of spec.disks.entries()) {
      assert.deepEqual(await readFile(disk.path), IMAGES[at]);
      assert.deepEqual([disk.bus, disk.writeMode, disk.isRoot], ['sata', 'direct', at === 0]);
    }
    assert.deepEqual([spec.nics[0]?.mac, spec.nics[0]?.model], ['00:50:56:ab:00:01', 'e1000e']);
    await target.start(ref, SIGNAL);
    server.host.print(ref, 'all well\n');
    assert.match(await target.awaitBoot(ref, 20_000, SIGNAL), /the console says "all well"/);
    assert.match(logs.join('\n'), /info disk 2 of 2 is at the Drover at .*SHA-256 is right/);
    // Each step once more, as after a crash.
    assert.deepEqual(await codesOf(target, vm), []);
    await bring(target, vm);
    assert.equal((await target.define(vm, places, SIGNAL)).ref, ref);
    await target.start(ref, SIGNAL);
    const removed = await target.remove(vm, SIGNAL);
    assert.match(removed.join('\n'), /^machine vm_\w+ of 123 at .*\ndisk vm_.*\ndisk vm_.*/);
    assert.deepEqual(await disksThere(), []);
    assert.deepEqual(await target.remove(vm, SIGNAL), []);
  });

  it('goes on inside a disk, and replaces what is of an earlier copy', async () => {
    await using target = open({ token: OPERATOR });
    const vm = vmOf('job-2');
    const places = await fill(target, vm);
    const stop = new AbortController();
    await using cut = await openCuttingProxy(server.port, 100_000, async () => {
      await arrived(vm);
      stop.abort(new Error('killed'));
    });
    {
      await using first = open({ url: cut.url });
      await assert.rejects(bring(first, vm, { signal: stop.signal }), /killed/);
    }
    const { json } = await callDisks(server, `/${machineIdOf(vm)}-disk-0`);
    assert.ok(json.offset > 0 && json.offset < 300_000, `it stands at ${json.offset}`);
    logs.length = 0;
    await bring(target, vm);
    assert.match(logs[0] ?? '', new RegExp(`sending disk 1 of 2 .*, from byte ${json.offset} on`));
    // The source was copied anew: it had been running in between.
    await target.placeDisks(vm, SIGNAL);
    for (const { path } of places) await writeFile(path, rawImage(3000));
    await bring(target, vm);
    assert.match(logs.join('\n'), /held what an earlier attempt had copied: it is sent anew/);
    await target.remove(vm, SIGNAL);
  });

  it('tries again when a connection breaks, and sends nothing twice that has arrived', async () => {
    const vm = vmOf('job-3');
    await using cut = await openCuttingProxy(server.port, 100_000, () => arrived(vm));
    {
      await using target = open({ url: cut.url });
      await fill(target, vm);
      logs.length = 0;
      await bring(target, vm);
      assert.match(logs.join('\n'), /warn sending disk 1 of 2 is tried again: /);
      assert.ok(cut.sent() < 300_000 + 150_000, logs.join('\n') + cut.sent());
      await target.remove(vm, SIGNAL);
    }
  });

  it('sends no zeros, at the pace it is allowed, and tells how far it is', async () => {
    await using counting = await openCuttingProxy(server.port, Infinity, async () => undefined);
    await using target = open({ url: counting.url });
    const sparse = Buffer.alloc(3_000_000);
    for (const at of [500_000, 1_400_000]) randomBytes(1000).copy(sparse, at);
    const [first] = vmOf('job-7').disks;
    assert.ok(first);
    const vm = vmOf('job-7', { disks: [{ ...first, capacityBytes: sparse.length }] });
    const [place] = await target.placeDisks(vm, SIGNAL);
    await writeFile(place?.path ?? '', sparse);
    advanced.length = 0;
    const taken: number[] = [];
    await bring(target, vm, {
      limiter: { take: async (bytes) => void taken.push(bytes) },
    });
    const [{ path = '' } = {}] = (await callDisks(server, '')).json.disks;
    const arrived = join(server.imagesDir, path.replace('/assets/', ''));
    assert.deepEqual(await readFile(arrived), sparse);
    assert.ok((await stat(arrived)).blocks * 512 < 200_000, 'it has holes there');
    const sum = taken.reduce((bytes, piece) => bytes + piece, 0);
    assert.ok(sum < 140_000 && counting.sent() < sum + 100, `${sum}, ${counting.sent()}`);
    assert.ok(taken.every((bytes) => bytes <= 65_536));
    assert.deepEqual(advanced[0], sparse.length);
    assert.equal(advanced.at(-1), sparse.length);
    assert.ok(advanced.slice(1, -1).some((bytes) => bytes > 500_000 && bytes < 1_400_000));
    await target.remove(vm, SIGNAL);
  });

  it('tells how far the other end is with checking, where that can tell', async () => {
    let polls = 0;
    const size = 1000;
    await using other = await openServer((request, response) => {
      request.resume();
      if (request.method === 'GET') polls += 1;
      const disk = { id: 'd', name: 'd', path: '/assets/d', size_bytes: size, offset: size };
      const checked = [null, 250, undefined, 999][polls - 1];
      const state = polls > 4 ? 'ready' : 'checking';
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ...disk, state, checked_bytes: checked }));
    });
    await using target = open({
      url: other.url,
      hash: async (_path, _signal, onProgress) => {
        onProgress?.(500);
        return 'a'.repeat(64);
      },
    });
    const vm = vmOf('job-8', { disks: vmOf('job-8').disks.slice(0, 1) });
    const [place] = await target.placeDisks(vm, SIGNAL);
    await writeFile(place?.path ?? '', Buffer.alloc(size));
    steps.length = 0;
    await target.sendDisks(vm, place === undefined ? [] : [place], sending, SIGNAL);
    const peer = `the Drover at ${new URL(other.url).host}`;
    assert.deepEqual(steps, [
      ...['computing the SHA-256 of disk 1 of 1', 'computing the SHA-256 of disk 1 of 1, 50 %'],
      ...[`${peer} checks disk 1 of 1`, `${peer} checks disk 1 of 1, 25 %`],
      ...[`${peer} checks disk 1 of 1`, `${peer} checks disk 1 of 1, 99 %`],
    ]);
  });

  it('touches nothing there that another made', async () => {
    await using target = open();
    const vm = vmOf('job-4');
    const id = machineIdOf(vm);
    await createVm(server, { vm_id: id });
    assert.deepEqual(await codesOf(target, vm), ['machine-in-the-way']);
    await fill(target, vm);
    await bring(target, vm);
    await assert.rejects(target.define(vm, [], SIGNAL), { kind: 'already_exists' });
    await target.remove(vm, SIGNAL);
    await ask(server, 'GetVmInfo', { vm_id: id });
    await ask(server, 'DeleteVm', { vm_id: id });
  });

  it('says before anything is copied what will not do', async () => {
    const vm = vmOf('job-5');
    const { disks } = vm;
    const huge = disks.map((disk) => ({ ...disk, capacityBytes: 3_000_000 }));
    const many = Array.from({ length: 21 }, () => disks).flat();
    await using target = open();
    assert.deepEqual(await codesOf(target, vmOf('job-5', { disks: huge })), [
      'disk-quota-exceeded',
    ]);
    assert.deepEqual(await codesOf(target, vmOf('job-5', { disks: many })), [
      ...['too-many-disks', 'disk-quota-exceeded'],
    ]);
    assert.deepEqual(await codesOf(target, vmOf('job-5', { cpus: 9 })), ['quota-exceeded']);
    for (const [changes, code] of [
      [{ token: 'dev_nobody' }, 'destination-login'],
      [{ token: 'dev_customer_other' }, 'destination-customer'],
      [{ url: `${server.url}/elsewhere` }, 'destination-too-old'],
      [{ url: 'http://127.0.0.1:9' }, 'destination-unreachable'],
      [{ url: 'https://127.0.0.1:9' }, 'destination-unreachable'],
    ] as const) {
      await using other = open(changes);
      assert.deepEqual(await codesOf(other, vm), [code]);
    }
  });

  it('gives its token to no server whose certificate it does not believe', async () => {
    const seen: unknown[] = [];
    const { ca, server: own } = createTestCertificates();
    await using other = await listening(
      createSecureServer({ cert: own.cert, key: own.key }, ({ headers }, response) => {
        seen.push(headers.authorization);
        response.writeHead(404).end('no Drover');
      }),
    );
    const url = other.url.replace('http:', 'https:');
    const vm = vmOf('job-6');
    await using wary = open({ url });
    assert.deepEqual(await codesOf(wary, vm), ['destination-unusable']);
    assert.deepEqual(seen, []);
    await using told = open({ remote: { url, trust: { ...TRUST, ca: ca.cert } } });
    const [finding] = await told.check(vm, WEB_SERVER, SIGNAL);
    assert.equal(finding?.code, 'destination-unusable');
    assert.match(finding?.message ?? '', /answered HTTP 404, and not as a Drover does/);
    assert.deepEqual(seen, [`Bearer ${CUSTOMER}`]);
  });

  it('waits for no machine that has ended', async () => {
    await using target = open();
    const id = await createVm(server);
    await assert.rejects(target.awaitBoot(id, 5000, SIGNAL), (thrown: unknown) => {
      assert.ok(thrown instanceof DroverError);
      assert.equal(thrown.reason, 'GUEST_STOPPED');
      return true;
    });
  });
});

const QUOTA = { maxMachines: 10, maxVcpus: 8, maxMemoryMib: 65_536 };

/** Passes requests on, and breaks the first upload off when it has passed so many bytes. */
async function openCuttingProxy(port: number, afterBytes: number, before: () => Promise<void>) {
  let isCut = false;
  let sent = 0;
  const proxy = createServer((incoming, outgoing) => {
    const { method, url: path = '/', headers } = incoming;
    // A kept connection may be closed just as it is used again.
    const options = { method, headers, agent: false } as const;
    const onward = requestHttp(`http://127.0.0.1:${port}${path}`, options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    if (method !== 'PATCH' || isCut || afterBytes === Infinity) {
      if (method === 'PATCH') incoming.on('data', (chunk: Buffer) => (sent += chunk.length));
      incoming.pipe(onward);
      return;
    }
    let passed = 0;
    incoming.on('data', (chunk: Buffer) => {
      const rest = chunk.subarray(0, afterBytes - passed);
      passed += rest.length;
      onward.write(rest);
      if (passed < afterBytes || isCut) return;
      isCut = true;
      void before().then(() => {
        onward.destroy();
        incoming.destroy();
      });
    });
  });
  return Object.assign(await listening(proxy), { sent: () => sent });
}
