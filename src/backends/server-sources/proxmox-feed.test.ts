import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { HttpTrust } from '#kernel/http-trust.ts';
import type { ServerId } from '#kernel/ids.ts';
import { certificateThumbprint } from '#kernel/trusted-agent.ts';
import { GIB, MINUTE_MS } from '#kernel/units.ts';
import type { FeedReading } from '#fleet/source-feed.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { PROXMOX_TOKEN, ProxmoxDouble } from '#test/proxmox-double.ts';
import { until } from '#test/until.ts';
import { ProxmoxFeed, type ProxmoxRequest } from './proxmox-feed.ts';

const SIGNAL = new AbortController().signal;
const TRUST: HttpTrust = { ca: undefined, thumbprint: undefined, isInsecure: false };
const FSINFO = '/agent/get-fsinfo';

interface SceneOptions {
  readonly nodes?: readonly (string | undefined)[];
  readonly trust?: HttpTrust;
  readonly secret?: string;
}

async function openDouble(t: TestContext): Promise<ProxmoxDouble> {
  const double = await ProxmoxDouble.open();
  t.after(() => double[Symbol.asyncDispose]());
  return double;
}

function openFeed(
  t: TestContext,
  { url }: ProxmoxDouble,
  { nodes = ['pve1'], trust = TRUST, secret = PROXMOX_TOKEN }: SceneOptions = {},
) {
  const clock = new FakeClock();
  const [first, ...others] = nodes.map((node): ProxmoxRequest => ({
    id: (node ?? 'local') as ServerId,
    spec: { kind: 'proxmox', node, url, trust, sealedSecret: undefined },
  }));
  assert.ok(first);
  const feed = new ProxmoxFeed({ requests: [first, ...others], secret, clock });
  t.after(() => feed[Symbol.asyncDispose]());
  const poll = async () => Object.fromEntries(await feed.poll(SIGNAL));
  const pollAfterAgents = async () => {
    await poll();
    await feed.settled();
    return await poll();
  };
  return { feed, clock, poll, pollAfterAgents };
}

function readingOf(answer: FeedReading | Error | undefined): FeedReading {
  assert.ok(answer !== undefined && !(answer instanceof Error), 'it was not told');
  return answer;
}

function messageOf(answer: FeedReading | Error | undefined): string {
  assert.ok(answer instanceof Error);
  return answer.message;
}

describe('ProxmoxFeed', () => {
  it('reads a node, its guests and its storages', async (t) => {
    const { pollAfterAgents } = openFeed(t, await openDouble(t));
    const reading = readingOf((await pollAfterAgents())['pve1']);
    assert.deepEqual(reading.hypervisor, {
      ...{ product: 'Proxmox VE 8.2.4', cpuPercent: 25, memoryPercent: 50 },
      // 20 of 100 GiB here and 450 of 900 GiB there: by size, not (20 % + 50 %) / 2.
      ...{ storagePercent: 47, uptimeSeconds: 604_800 },
    });
    assert.deepEqual(reading.cpu?.load, [1.2, 1.5, 1.8]);
    assert.deepEqual([reading.cpu?.usagePercent, reading.cpu?.cores], [25, 16]);
    assert.deepEqual(reading.memory?.swapUsedBytes, GIB);
    const guests = reading.guests ?? [];
    assert.deepEqual(
      guests.map(({ id, name, status }) => [id, name, status]),
      [
        ['100', 'user-vm', 'running'],
        ['101', 'no-agent', 'running'],
        ['102', 'spare', 'stopped'],
        ['200', 'dns', 'running'],
      ],
    );
    assert.deepEqual(
      guests.map(({ diskUsedBytes, diskTotalBytes }) => [diskUsedBytes, diskTotalBytes]),
      [
        [25 * GIB, 60 * GIB],
        [undefined, 32 * GIB],
        [undefined, 32 * GIB],
        [GIB, 32 * GIB],
      ],
    );
    // The folder `local` lies on the root.
    assert.deepEqual(
      reading.filesystems?.map(({ mountPoint, totalBytes }) => [mountPoint, totalBytes]),
      [
        ['/', 100 * GIB],
        ['/storage/nas', 900 * GIB],
      ],
    );
  });

  it('asks the cluster once for all of its nodes, and tells which one is off', async (t) => {
    const double = await openDouble(t);
    const { poll } = openFeed(t, double, { nodes: ['pve1', 'pve2', 'pve3', 'pve9', undefined] });
    const answers = await poll();
    assert.equal(double.answers.timesAsked('/cluster/resources'), 1);
    assert.equal(double.answers.timesAsked('/nodes/pve2/status'), 1);
    assert.equal(double.answers.timesAsked('/nodes/pve3/status'), 0);
    assert.equal(readingOf(answers['pve2']).hypervisor?.product, 'Proxmox VE 8.3.1');
    assert.equal(readingOf(answers['pve2']).hypervisor?.storagePercent, 45.1);
    assert.deepEqual(readingOf(answers['local']), readingOf(answers['pve2']));
    assert.match(messageOf(answers['pve3']), /says that node pve3 is offline/);
    assert.match(messageOf(answers['pve9']), /no node pve9, but pve1, pve2, pve3/);
  });

  it('makes do with what the cluster says of a node that hangs, and lets it be', async (t) => {
    const double = await openDouble(t);
    const release = double.answers.hold('/nodes/pve1/status');
    t.after(release);
    const { clock, poll } = openFeed(t, double, { nodes: ['pve1', 'pve2'] });
    const polled = poll();
    await until(
      () => (double.answers.timesAsked('/nodes/pve1/status') > 0 ? true : undefined),
      'the question to the node',
    );
    await clock.advance(3000);
    const { pve1 } = await polled;
    assert.ok(Math.abs((readingOf(pve1).cpu?.usagePercent ?? 0) - 23.1) < 1e-9);
    assert.equal(readingOf(pve1).cpu?.load, undefined);
    assert.equal(readingOf(pve1).uptimeSeconds, 604_800);
    const missing = readingOf(pve1).missing?.map(({ part, why }) => `${part}: ${why}`);
    assert.match(missing?.join() ?? '', /^load, swap and the root: asking pve1 took longer/);
    assert.deepEqual(readingOf((await poll())['pve1']).missing, readingOf(pve1).missing);

    assert.equal(double.answers.timesAsked('/nodes/pve1/status'), 1);
    release();
    await clock.advance(MINUTE_MS);
    assert.ok(readingOf((await poll())['pve1']).cpu?.load);
  });

  it('waits for no guest agent, and asks again in a minute, or later without one', async (t) => {
    const double = await openDouble(t);
    const release = double.answers.hold(`/nodes/pve1/qemu/100${FSINFO}`);
    t.after(release);
    const { clock, feed, poll, pollAfterAgents } = openFeed(t, double);
    const diskOf = (answers: Awaited<ReturnType<typeof poll>>) =>
      readingOf(answers['pve1']).guests?.[0]?.diskUsedBytes;
    assert.equal(diskOf(await poll()), undefined);
    assert.equal(diskOf(await poll()), undefined);
    release();
    await feed.settled();
    assert.equal(diskOf(await poll()), 25 * GIB);
    const asked = () =>
      [100, 101].map((id) => double.answers.timesAsked(`/nodes/pve1/qemu/${id}${FSINFO}`));
    assert.deepEqual(asked(), [1, 1]);
    await clock.advance(MINUTE_MS);
    await pollAfterAgents();
    assert.deepEqual(asked(), [2, 1]);
    await clock.advance(10 * MINUTE_MS);
    await pollAfterAgents();
    assert.deepEqual(asked(), [3, 2]);
  });

  it('shows what its token may see, and makes up nothing else', async (t) => {
    const double = await openDouble(t);
    double.forbid('/nodes/pve1/status');
    double.forbid(`/nodes/pve1/qemu/100${FSINFO}`);
    const { pollAfterAgents } = openFeed(t, double);
    const reading = readingOf((await pollAfterAgents())['pve1']);
    assert.equal(reading.guests?.[0]?.diskUsedBytes, undefined);
    assert.equal(reading.memory?.swapTotalBytes, undefined);
    assert.ok(reading.memory?.usedBytes);
    assert.match(reading.missing?.[0]?.why ?? '', /^its token may not do that \(HTTP 403: Permiss/);
    // Of a token without any role, clusters tell the nodes' names alone.
    const bare = { id: 'node/pve1', type: 'node', node: 'pve1', status: 'online' };
    double.data.set('/cluster/resources', [bare]);
    assert.match(messageOf((await pollAfterAgents())['pve1']), /give it the role PVEAuditor on \//);
    const guest = { id: 'lxc/7', type: 'lxc', vmid: 7, node: 'pve1', status: 'running' };
    double.data.set('/cluster/resources', [bare, guest]);
    const allowed = readingOf((await pollAfterAgents())['pve1']);
    assert.deepEqual(allowed.guests?.[0], {
      ...{ id: '7', name: '7', status: 'running', cpuPercent: undefined },
      ...{ memoryUsedBytes: undefined, memoryTotalBytes: undefined, diskUsedBytes: undefined },
      ...{ diskTotalBytes: undefined, uptimeSeconds: undefined },
    });
    assert.deepEqual([allowed.cpu, allowed.memory, allowed.filesystems], Array(3).fill(undefined));
    assert.equal(allowed.hypervisor?.storagePercent, undefined);
  });

  it('tells none from not shown where the token may see nodes alone', async (t) => {
    const double = await openDouble(t);
    const all = double.data.get('/cluster/resources') as readonly { readonly type: string }[];
    const nodes = all.filter(({ type }) => type === 'node');
    double.data.set('/cluster/resources', nodes);
    const { clock, poll } = openFeed(t, double);
    assert.deepEqual(readingOf((await poll())['pve1']).guests, []);
    assert.deepEqual(readingOf((await poll())['pve1']).missing, []);
    double.data.set('/access/permissions', { '/nodes': { 'Sys.Audit': 1 } });
    await clock.advance(10 * MINUTE_MS);
    const { guests, missing, cpu } = readingOf((await poll())['pve1']);
    assert.deepEqual([guests, cpu?.cores], [undefined, 16]);
    assert.deepEqual(missing, [
      {
        part: 'VMs and containers',
        why: 'its token has no VM.Audit; give it the role PVEAuditor on /',
      },
      {
        part: 'storages',
        why: 'its token has no Datastore.Audit; give it the role PVEAuditor on /',
      },
    ]);
    // Who may see some, and sees them, is shown them.
    double.data.set('/cluster/resources', all);
    assert.deepEqual(readingOf((await poll())['pve1']).missing, []);
  });

  it('says in words why the cluster is not answered', async (t) => {
    const double = await openDouble(t);
    const wrong = openFeed(t, double, { secret: 'watcher@pve!drover=hunter2' });
    assert.doesNotMatch(wrong.feed.label, /hunter2/);
    await assert.rejects(wrong.poll(), (thrown: Error) => {
      assert.doesNotMatch(thrown.message, /hunter2/);
      return /refused the credentials \(HTTP 401\)/.test(thrown.message);
    });
    const { poll } = openFeed(t, double);
    const failures: readonly (readonly [number, string | undefined, RegExp])[] = [
      [500, '{"data":null,"message":"got timeout\\n"}', /HTTP 500: got timeout$/],
      [502, '<html>', /HTTP 502$/],
      [595, undefined, /does not reach the node \(HTTP 595\)/],
      [200, '{}', /no Proxmox VE answers/],
    ];
    for (const [status, body, message] of failures) {
      double.answers.refuse('/cluster/resources', { status, ...(body !== undefined && { body }) });
      await assert.rejects(poll(), message);
    }
  });

  it('sends its token to none but the certificate that is pinned', async (t) => {
    const { server, client } = createTestCertificates();
    const double = await ProxmoxDouble.open(server);
    t.after(() => double[Symbol.asyncDispose]());
    const pin = ({ cert }: { readonly cert: string }) => ({
      ...TRUST,
      thumbprint: certificateThumbprint(new X509Certificate(cert)),
    });
    const pinned = openFeed(t, double, { trust: pin(server) });
    readingOf((await pinned.poll())['pve1']);
    const askedBefore = double.answers.timesAsked('/cluster/resources');
    for (const trust of [TRUST, pin(client)]) {
      await assert.rejects(
        openFeed(t, double, { trust }).poll(),
        /pin the thumbprint [0-9a-f]{64}/,
      );
    }
    assert.equal(double.answers.timesAsked('/cluster/resources'), askedBefore);
  });
});
