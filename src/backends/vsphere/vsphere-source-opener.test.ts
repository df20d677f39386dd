import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog, type Log } from '#kernel/log.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import { until } from '#test/until.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';
import { VSphereSourceOpener } from './vsphere-source-opener.ts';

const SIGNAL = new AbortController().signal;

function createOpener(clock = systemClock, log: Log = silentLog): VSphereSourceOpener {
  return new VSphereSourceOpener({ clock, log, firstRetryMs: 1 });
}

describe('VSphereSourceOpener', () => {
  let vsphere: VSphereFixture;
  before(async () => {
    vsphere = await openVSphere({ vms: [{ name: 'web' }] });
  });
  after(() => vsphere[Symbol.asyncDispose]());

  it('logs in once for all who come with the same login, and out when it ends', async () => {
    const logins = vsphere.calls('Login');
    const opener = createOpener();
    const opening = Array.from({ length: 5 }, () => opener.open(vsphere.login, SIGNAL));
    const sources = await Promise.all(opening);
    await using other = await opener.open({ ...vsphere.login, datacenter: 'DC0' }, SIGNAL);
    assert.equal((await other.listVms({ pattern: 'web' }, SIGNAL)).length, 1);
    assert.equal(vsphere.calls('Login'), logins + 1);
    assert.equal(vsphere.sessions, 1);
    for (const source of sources) await source[Symbol.asyncDispose]();
    assert.equal(opener.sessions, 1);
    await opener[Symbol.asyncDispose]();
    assert.equal(vsphere.sessions, 0);
    await assert.rejects(opener.open(vsphere.login, SIGNAL), /stopping/);
  });

  it('keeps a session for five minutes after its last use', async () => {
    const clock = new FakeClock();
    await using opener = createOpener(clock);
    for (let time = 0; time < 2; time += 1) {
      const source = await opener.open(vsphere.login, SIGNAL);
      await source[Symbol.asyncDispose]();
      await clock.advance(4 * MINUTE_MS);
    }
    assert.equal(opener.sessions, 1);
    await clock.advance(MINUTE_MS);
    assert.equal(opener.sessions, 0);
    await until(() => vsphere.sessions === 0 || undefined, 'the log-out');
  });

  it('asks once with a wrong password, and tells nobody what it was', async () => {
    const logged: unknown[] = [];
    const note = (...parts: unknown[]) => void logged.push(parts);
    const log = { debug: note, info: note, warn: note, error: note };
    await using opener = createOpener(systemClock, log);
    const login = { ...vsphere.login, password: 'Wrong & <word>' };
    for (let time = 1; time <= 2; time += 1) {
      const logins = vsphere.calls('Login');
      const refusal = await opener.open(login, SIGNAL).then(
        () => assert.fail('it was let in'),
        (error: unknown) => error,
      );
      assert.ok(refusal instanceof DroverError);
      assert.equal(refusal.kind, 'unauthenticated');
      assert.equal(refusal.reason, 'VSPHERE_INVALID_LOGIN');
      assert.equal(vsphere.calls('Login'), logins + 1);
      const shown = [refusal.stack, JSON.stringify([refusal, refusal.cause, logged])].join();
      assert.ok(!shown.includes('Wrong'), shown);
      assert.equal(opener.sessions, 0);
    }
  });

  it('gives up waiting when told to, and leaves the session to others', async () => {
    await using opener = createOpener();
    using _late = vsphere.troubleCalls({ method: 'Login', delayMs: 30, times: 1 });
    const stop = new AbortController();
    const first = opener.open(vsphere.login, stop.signal);
    const second = opener.open(vsphere.login, SIGNAL);
    stop.abort(new Error('stop'));
    await assert.rejects(first, /stop/);
    await using source = await second;
    assert.match(source.product, /vCenter/);
  });

  it('logs in again once when the session has ended, for all calls under way', async () => {
    await using opener = createOpener();
    await using source = await opener.open(vsphere.login, SIGNAL);
    const logins = vsphere.calls('Login');
    vsphere.expireSessions();
    const asking = Array.from({ length: 6 }, () => source.findVm('DC0/vm/web', SIGNAL));
    const listing = source.listVms({}, SIGNAL);
    assert.deepEqual(
      (await Promise.all(asking)).map(({ name }) => name),
      Array.from({ length: 6 }, () => 'web'),
    );
    assert.ok((await listing).length > 0);
    assert.equal(vsphere.calls('Login'), logins + 1);
  });

  it('is refused for good when its password is not right any more', async () => {
    await using opener = createOpener();
    const source = await opener.open(vsphere.login, SIGNAL);
    vsphere.expireSessions();
    using _refused = vsphere.troubleCalls({ method: 'Login', outcome: { fault: 'InvalidLogin' } });
    const logins = vsphere.calls('Login');
    for (let time = 0; time < 3; time += 1) {
      const asking = source.findVm('DC0/vm/web', SIGNAL);
      await assert.rejects(asking, { kind: 'unauthenticated' });
    }
    assert.equal(vsphere.calls('Login'), logins + 1);
    await source[Symbol.asyncDispose]();
    assert.equal(opener.sessions, 0);
  });

  it('gets over a restart of vCenter', async () => {
    await using opener = createOpener();
    await using source = await opener.open(vsphere.login, SIGNAL);
    await vsphere.stop();
    const away = source.findVm('DC0/vm/web', SIGNAL);
    await assert.rejects(away, { kind: 'unavailable' });
    await vsphere.start();
    assert.equal((await source.findVm('DC0/vm/web', SIGNAL)).name, 'web');
  });
});

describe('a list of 5,000 VMs', () => {
  it('takes a call for each 500 objects, and few more', async () => {
    await using vsphere = await openVSphere({ inventory: { vms: 5000 } });
    await using opener = createOpener();
    await using source = await opener.open(vsphere.login, SIGNAL);
    const calls = vsphere.calls();
    const vms = await source.listVms({}, SIGNAL);
    assert.ok(vms.length >= 5000, String(vms.length));
    assert.equal(new Set(vms.map(({ path }) => path)).size, vms.length);
    const made = vsphere.calls() - calls;
    assert.ok(made <= 5000 / 500 + 10, `${made} calls`);
  });
});
