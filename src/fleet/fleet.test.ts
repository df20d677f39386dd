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
    const gone = fleet.find(ONE);
    assert.equal(gone?.status, 'offline');
    assert.equal(gone.reading.cpu, undefined);
    assert.match(
      gone.reasons[0] ?? '',
      /^exporter http:\/\/a has not answered since [-:.TZ\d]+: c/,
    );
    // However often it says the same, how often that was is true.
    const failures = gone.sources[0]?.failures ?? 0;
    for (let at = 0; at < 70; at += 1) await clock.advance(1000);
    assert.ok((fleet.find(ONE)?.sources[0]?.failures ?? 0) > failures);
    feeds.answers.set('http://a', cpu(30));
    for (let at = 0; at < 60; at += 1) await clock.advance(1000);
    assert.equal(fleet.find(ONE)?.status, 'online');
  });

  it('asks many little by little, and evenly from then on', async (t) => {
    const { clock, feeds, fleet, watch } = open(t);
    const urls = Array.from({ length: 100 }, (_, at) => `http://${at}`);
    for (const url of urls) feeds.answers.set(url, cpu(1));
    await watch(...urls.map((url, at) => watched(`s${at}`, exporter(url))));
    const asked = () => urls.reduce((sum, url) => sum + (feeds.polls.get(url) ?? 0), 0);
    const within = async (ms: number) => {
      const before = asked();
      await clock.advance(ms);
      return asked() - before;
    };
    assert.equal(asked(), 16);
    assert.equal(fleet.isSettled, false);
    await clock.advance(1000);
    assert.deepEqual([asked(), fleet.isSettled], [100, true]);
    await clock.advance(2 * INTERVAL_MS);
    const tenths = [];
    for (let at = 0; at < 10; at += 1) tenths.push(await within(INTERVAL_MS / 10));
    assert.ok(
      tenths.every((count) => count >= 8 && count <= 13),
      tenths.join(' '),
    );
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
    alerts.set(ONE, { critical: 0, warning: 0, info: 1 });
    await clock.advance(1000);
    assert.deepEqual([fleet.find(ONE)?.status, fleet.counts().alerts], ['online', 1]);
    alerts.set(ONE, { critical: 0, warning: 2, info: 1 });
    await clock.advance(1000);
    assert.equal(fleet.find(ONE)?.status, 'warning');
    alerts.set(ONE, { critical: 1, warning: 2, info: 1 });
    await clock.advance(1000);
    assert.equal(fleet.find(ONE)?.status, 'error');
    assert.deepEqual(fleet.find(ONE)?.reasons, ['1 critical alert firing', '2 alerts firing']);
    assert.equal(fleet.counts().alerts, 4);
    const names = { critical: 'hot', warning: 'busy, full', info: '' };
    alerts.set(ONE, { critical: 1, warning: 2, info: 1, names });
    await clock.advance(1000);
    const named = ['1 critical alert firing: hot', '2 alerts firing: busy, full'];
    assert.deepEqual(fleet.find(ONE)?.reasons, named);
  });

  it('counts a server that is offline once, whether a rule says so as well or not', async (t) => {
    const { clock, feeds, alerts, fleet, watch } = open(t);
    feeds.answers.set('http://a', DEAD);
    await watch(watched('one', exporter('http://a')));
    await fleet.settled();
    assert.deepEqual(fleet.counts(), { total: 1, online: 0, alerts: 1 });
    alerts.set(ONE, { critical: 1, warning: 0, info: 0 });
    await clock.advance(1000);
    assert.equal(fleet.find(ONE)?.status, 'offline');
    assert.equal(fleet.counts().alerts, 1);
  });

  it('says what a source that answers should have told and did not', async (t) => {
    const { clock, feeds, fleet, watch } = open(t);
    const missing = ['memory', 'disks', 'GPUs', 'links', 'sensors'].map((part) => {
      return { part, why: 'HTTP 500' };
    });
    feeds.answers.set('http://a', { ...cpu(20), missing, complaints: ['it is tired'] });
    await watch(watched('one', exporter('http://a')));
    await fleet.settled();
    const seen = fleet.find(ONE);
    assert.equal(seen?.status, 'warning');
    assert.deepEqual(seen.reasons, [
      'exporter http://a: it is tired; it tells nothing of memory (HTTP 500), disks (HTTP 500), ' +
        'GPUs (HTTP 500), 2 more',
    ]);
    assert.deepEqual([seen.sources[0]?.failures, seen.reading], [0, cpu(20)]);
    feeds.answers.set('http://a', cpu(20));
    await clock.advance(INTERVAL_MS);
    assert.equal(fleet.find(ONE)?.status, 'online');
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
