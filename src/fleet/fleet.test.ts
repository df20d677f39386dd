import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { ServerId } from '#kernel/ids.ts';
import { silentLog } from '#kernel/log.ts';
import { exporter, FakeFeeds, watched } from '#test/fake-feeds.ts';
import { Fleet } from './fleet.ts';
import type { AlertCounts } from './server-status.ts';
import type { WatchedServer } from './server.ts';

const INTERVAL_MS = 5000;
const DEAD = new DroverError('unavailable', 'connection refused');
const ONE = 'one' as ServerId;
const TWO = 'two' as ServerId;

function open(t: TestContext) {
  const clock = new FakeClock();
  const feeds = new FakeFeeds();
  const alerts = new Map<ServerId, AlertCounts>();
  const parts = { clock, log: silentLog, opener: feeds, intervalMs: INTERVAL_MS };
  const fleet = new Fleet({ ...parts, alerts: () => alerts });
  t.after(() => fleet[Symbol.asyncDispose]());
  const watch = async (...servers: readonly WatchedServer[]) => {
    await fleet.watch(servers.map((server) => ({ server, secrets: server.sources.map(nothing) })));
  };
  return { clock, feeds, alerts, fleet, watch };
}

const nothing = () => undefined;
const cpu = (usagePercent: number) => ({
  cpu: {
    ...{ usagePercent, cores: 4, modePercents: undefined },
    ...{ temperatureC: undefined, load: undefined },
  },
});

describe('Fleet', () => {
  it('shows what the sources of a server tell, each part by the first that has it', async (t) => {
    const { feeds, fleet, watch } = open(t);
    feeds.answers.set('http://a', { ...cpu(20), uptimeSeconds: undefined });
    feeds.answers.set('http://b', { ...cpu(70), uptimeSeconds: 9 });
    await watch(watched('one', exporter('http://a'), exporter('http://b')));
    await fleet.settled();
    const seen = fleet.find(ONE);
    assert.equal(seen?.status, 'online');
    assert.equal(seen.reading.cpu?.usagePercent, 20);
    assert.equal(seen.reading.uptimeSeconds, 9);
    assert.deepEqual(fleet.counts(), { total: 1, online: 1, alerts: 0 });
  });

  it('asks each source on its own: one that hangs keeps nobody else waiting', async (t) => {
    const { clock, feeds, fleet, watch } = open(t);
    feeds.answers.set('http://a', 'hangs');
    feeds.answers.set('http://b', cpu(1));
    await watch(watched('one', exporter('http://a')), watched('two', exporter('http://b')));
    await clock.advance(1);
    assert.equal(fleet.find(TWO)?.status, 'online');
    for (let at = 0; at < 4; at += 1) await clock.advance(INTERVAL_MS);
    assert.ok((feeds.polls.get('http://b') ?? 0) >= 4);
    assert.match(fleet.find(ONE)?.reasons[0] ?? '', /not answered yet: asking exporter http:\/\/a/);
    assert.deepEqual(fleet.counts(), { total: 2, online: 1, alerts: 1 });
  });

  it('keeps the last good value of a source that fails, until it is too old', async (t) => {
    const { clock, feeds, fleet, watch } = open(t);
    feeds.answers.set('http://a', cpu(20));
    await watch(watched('one', exporter('http://a')));
    await fleet.settled();
    feeds.answers.set('http://a', DEAD);
    await clock.advance(INTERVAL_MS);
    const failing = fleet.find(ONE);
    assert.equal(failing?.status, 'warning');
    assert.deepEqual(failing.reasons, ['exporter http://a: connection refused']);
    assert.equal(failing.reading.cpu?.usagePercent, 20);
    for (let at = 0; at < 31; at += 1) await clock.advance(1000);
    assert.equal(fleet.find(ONE)?.status, 'offline');
    assert.equal(fleet.find(ONE)?.reading.cpu, undefined);
    feeds.answers.set('http://a', cpu(30));
    for (let at = 0; at < 60; at += 1) await clock.advance(1000);
    assert.equal(fleet.find(ONE)?.status, 'online');
  });

  it('asks a dead source ever less often', async (t) => {
    const { clock, feeds, watch } = open(t);
    feeds.answers.set('http://a', DEAD);
    await watch(watched('one', exporter('http://a')));
    for (let at = 0; at < 600; at += 1) await clock.advance(1000);
    const asked = feeds.polls.get('http://a') ?? 0;
    assert.ok(asked > 8 && asked < 40, `${asked} times`);
  });

  it('judges by the alerts that fire, too', async (t) => {
    const { clock, feeds, alerts, fleet, watch } = open(t);
    feeds.answers.set('http://a', cpu(20));
    await watch(watched('one', exporter('http://a')));
    await fleet.settled();
    alerts.set(ONE, { critical: 0, others: 2 });
    await clock.advance(1000);
    assert.equal(fleet.find(ONE)?.status, 'warning');
    alerts.set(ONE, { critical: 1, others: 2 });
    await clock.advance(1000);
    assert.equal(fleet.find(ONE)?.status, 'error');
    assert.deepEqual(fleet.find(ONE)?.reasons, ['1 critical alert firing', '2 alerts firing']);
    assert.equal(fleet.counts().alerts, 3);
  });

  it('tells of each change once, with a growing revision', async (t) => {
    const { clock, feeds, fleet, watch } = open(t);
    feeds.answers.set('http://a', cpu(20));
    await watch(watched('one', exporter('http://a')));
    await fleet.settled();
    const revisions: number[] = [];
    using _listening = fleet.onChange(({ revision }) => revisions.push(revision));
    for (let at = 0; at < 10; at += 1) await clock.advance(1000);
    assert.equal(revisions.length, 2);
    assert.deepEqual(
      revisions.toSorted((a, b) => a - b),
      revisions,
    );
    assert.equal(fleet.revision, revisions.at(-1));
  });

  it('gives each server a revision of its own when the roster changes', async (t) => {
    const { fleet, watch } = open(t);
    const [one, two] = [watched('one', exporter('http://a')), watched('two', exporter('http://b'))];
    await watch(one, two);
    await fleet.settled();
    const before = fleet.revision;
    await watch(two, one);
    const revisions = fleet.list().map(({ revision }) => revision);
    assert.equal(new Set(revisions).size, 2);
    assert.ok(revisions.every((revision) => revision > before));
    const last = fleet.revision;
    await watch();
    assert.ok(fleet.revision > last);
  });

  it('changes only what a new roster changes', async (t) => {
    const { clock, feeds, fleet, watch } = open(t);
    feeds.answers.set('http://a', cpu(20));
    feeds.answers.set('http://b', cpu(30));
    const one = watched('one', exporter('http://a'));
    await watch(one);
    await fleet.settled();
    const asked = feeds.polls.get('http://a');
    await watch(one, watched('two', exporter('http://b')));
    await fleet.settled();
    assert.equal(feeds.polls.get('http://a'), asked);
    assert.equal(fleet.list().length, 2);
    await watch(watched('two', exporter('http://b')));
    assert.deepEqual([...feeds.openUrls], ['http://b']);
    assert.equal(fleet.find(ONE), undefined);
    await clock.advance(INTERVAL_MS);
    assert.equal(feeds.polls.get('http://a'), asked);
  });
});
