import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import { HOUR_MS, MINUTE_MS } from '#kernel/units.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { QDRANT_KEY, QdrantDouble } from '#test/qdrant-double.ts';
import { until } from '#test/until.ts';
import { QdrantFeed } from './qdrant-feed.ts';

const ID = 'vectors' as ServerId;
const SIGNAL = new AbortController().signal;
const TRUST = { ca: undefined, thumbprint: undefined, isInsecure: false };
const TELEMETRY = '/telemetry?details_level=4';

async function openScene(t: TestContext, { secret = QDRANT_KEY } = {}) {
  const double = await QdrantDouble.open();
  t.after(() => double[Symbol.asyncDispose]());
  return { double, ...openFeed(t, double.url, secret) };
}

function openFeed(t: TestContext, url: string, secret: string, ca?: string) {
  const clock = new FakeClock();
  const spec = { kind: 'qdrant', url, trust: { ...TRUST, ca }, sealedSecret: undefined } as const;
  const feed = new QdrantFeed({ id: ID, spec, secret, clock });
  t.after(() => feed[Symbol.asyncDispose]());
  const pollAll = async () => (await feed.poll(SIGNAL)).get(ID);
  const poll = async () => (await pollAll())?.qdrant;
  const pollAfterDisk = async () => {
    await poll();
    await feed.settled();
    return await poll();
  };
  return { feed, clock, poll, pollAll, pollAfterDisk };
}

describe('QdrantFeed', () => {
  it('counts collections and points, and says where the size on disk is from', async (t) => {
    const { double, pollAfterDisk } = await openScene(t);
    double.metricsPrefix = 'qdrant_';
    assert.deepEqual(await pollAfterDisk(), {
      ...{ status: 'running', version: '1.14.1', collections: 3, points: 1_250_000 },
      ...{ memoryBytes: 536_870_912, diskBytes: 45_000, diskFrom: 'telemetry' },
    });
  });

  it('takes a size of 0 with points in it for one that is not told', async (t) => {
    const { double, clock, feed, pollAfterDisk } = await openScene(t);
    double.collections.set('documents', { points: 5 });
    const qdrant = await pollAfterDisk();
    assert.deepEqual([qdrant?.diskBytes, qdrant?.diskFrom], [undefined, undefined]);
    double.collections.set('documents', { points: 5, diskBytes: 7 });
    await clock.advance(5 * MINUTE_MS);
    assert.equal((await pollAfterDisk())?.diskBytes, undefined);
    await clock.advance(HOUR_MS);
    assert.equal((await pollAfterDisk())?.diskBytes, 5007);
    double.collections.set('documents', { points: 5, diskBytes: 8 });
    await clock.advance(5 * MINUTE_MS);
    assert.equal((await pollAfterDisk())?.diskBytes, 5008);
    await feed.settled();
    assert.equal(double.answers.timesAsked(TELEMETRY), 3);
  });

  it('asks some of many collections at a time, and has a sum once it knows all', async (t) => {
    const { double, clock, poll } = await openScene(t);
    double.collections.clear();
    for (let at = 0; at < 40; at += 1) double.collections.set(`c${at}`, { points: 2 });
    const sums = [];
    for (let at = 0; at < 3; at += 1) {
      sums.push((await poll())?.points);
      await clock.advance(1000);
    }
    assert.deepEqual(sums, [undefined, undefined, 80]);
    assert.equal(double.answers.timesAsked('/collections/c39'), 1);
    double.collections.set('c0', { points: 12 });
    double.collections.delete('c39');
    await poll();
    assert.equal((await poll())?.points, 88);
  });

  it('is an error when not ready, in recovery, broken in part, or failing', async (t) => {
    const { double, poll, pollAll } = await openScene(t);
    const statusOf = async () => (await poll())?.status;
    assert.equal(await statusOf(), 'running');
    assert.deepEqual((await pollAll())?.complaints, []);
    double.answers.refuse('/readyz', { status: 503, body: 'some shards are not ready' });
    assert.equal(await statusOf(), 'error');
    double.answers.refuse('/readyz', { status: 404 });
    assert.equal(await statusOf(), 'running');
    double.isInRecovery = true;
    assert.equal(await statusOf(), 'error');
    double.isInRecovery = false;
    double.collections.set('images', { points: 1, status: 'red' });
    assert.equal(await statusOf(), 'error');
    assert.deepEqual((await pollAll())?.complaints, ['one of its collections is red']);
    double.collections.set('images', { points: 1 });
    double.answers.refuse('/collections', { status: 500 });
    const failing = await poll();
    assert.deepEqual(
      [failing?.status, failing?.collections, failing?.points, failing?.version],
      ['error', undefined, undefined, '1.14.1'],
    );
  });

  it('does without what is refused, makes up nothing for it, and says so', async (t) => {
    const { double, pollAll, pollAfterDisk } = await openScene(t);
    assert.deepEqual((await pollAll())?.missing, []);
    double.answers.refuse('/metrics', { status: 403 });
    double.answers.refuse('/', { status: 500 });
    double.answers.refuse(TELEMETRY, { status: 403 });
    double.answers.refuse('/collections/images', { status: 500 });
    assert.deepEqual(await pollAfterDisk(), {
      ...{ status: 'running', version: undefined, collections: 3, points: undefined },
      ...{ memoryBytes: undefined, diskBytes: undefined, diskFrom: undefined },
    });
    const refused = 'it refused the credentials (HTTP 403); check the secret of this source';
    assert.deepEqual((await pollAll())?.missing, [
      { part: 'points', why: '1 of its collections did not answer' },
      { part: 'memory', why: refused },
      { part: 'version', why: 'it answered HTTP 500' },
    ]);
  });

  it('waits only so long for a part, and not at all for telemetry', async (t) => {
    const { double, clock, poll } = await openScene(t);
    for (const path of ['/metrics', '/collections/images', TELEMETRY]) {
      t.after(double.answers.hold(path));
    }
    const polled = poll();
    await until(
      () => (double.answers.timesAsked('/collections/images') > 0 ? true : undefined),
      'the collection to be asked for',
    );
    await clock.advance(4000);
    const qdrant = await polled;
    assert.deepEqual(
      [qdrant?.status, qdrant?.collections, qdrant?.points, qdrant?.memoryBytes],
      ['running', 3, undefined, undefined],
    );
  });

  it('says in words why it is not answered, and trusts only whom it is told to', async (t) => {
    const { poll, feed } = await openScene(t, { secret: 'hunter2' });
    assert.doesNotMatch(feed.label, /hunter2/);
    await assert.rejects(poll(), /refused the credentials \(HTTP 401\)/);
    const { ca, server } = createTestCertificates();
    const secure = await QdrantDouble.open(server);
    t.after(() => secure[Symbol.asyncDispose]());
    assert.equal((await openFeed(t, secure.url, QDRANT_KEY, ca.cert).poll())?.status, 'running');
    await assert.rejects(openFeed(t, secure.url, QDRANT_KEY).poll(), /certificate is not trusted/);
  });
});
