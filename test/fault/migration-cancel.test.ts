/** A migration is told to stop, wherever it is, and stops: nothing of it is left anywhere. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock, type Clock } from '#kernel/clock.ts';
import { DAY_MS, MIB } from '#kernel/units.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';
import { MigrationApi } from '#test/migration-api.ts';
import type { Procedure } from '#test/migration-gate.ts';
import { MigrationScene } from '#test/migration-scene.ts';
import { until } from '#test/until.ts';

const MOST_MS = 3000;
const ONE = [8];
const VMS = {
  ...{ 'in-discover': ONE, 'in-preflight': ONE, 'in-ranges': ONE, 'in-stream': ONE },
  ...{ 'in-define': ONE, 'after-define': ONE, 'in-start': ONE, 'after-start': ONE },
  ...{ waiting: ONE, late: ONE, twice: ONE },
};

/** The wall clock of a host that somebody sets; what is measured by the other one goes on. */
let setBackMs = 0;
const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() - setBackMs };
const owned = new AsyncDisposableStack();
let scene: MigrationScene;
let server: TestServer;
let api: MigrationApi;
before(async () => {
  scene = owned.use(await MigrationScene.open({ vms: VMS }));
  server = owned.use(
    await openTestServer({
      ...{ migration: scene.settings, overrides: { clock } },
      config: { hypervisor: { accelerator: 'tcg', kernelMachine: 'microvm', qemuUser: undefined } },
    }),
  );
  api = new MigrationApi(server.url);
});
after(() => owned.disposeAsync());

async function assertCancelled(vm: string, id: string): Promise<void> {
  const ms = await api.cancel(id);
  await scene.assertNothingLeft(vm);
  assert.ok(ms < MOST_MS, `it took ${ms} ms`);
}

describe('a migration that is cancelled', { concurrency: 2 }, () => {
  it('while its VM is looked for', async () => {
    using _late = scene.vsphere.troubleCalls({
      ...{ method: 'RetrievePropertiesEx', times: 2, delayMs: 5000 },
    });
    const id = await api.submit(scene.request('in-discover'));
    await api.when(id, ({ status }) => status === 'running');
    await assertCancelled('in-discover', id);
  });

  for (const method of ['datastore', 'nfc'] as const) {
    const vm = method === 'nfc' ? 'in-stream' : 'in-ranges';
    it(`while its disks come over ${method}`, async () => {
      using _slow = scene.vsphere.troubleBytes({ vm, bytesPerSecond: MIB });
      const id = await api.submit(scene.request(vm, { method }));
      const look = () => (scene.vsphere.served({ vm }) > MIB ? true : undefined);
      await until(look, 'bytes');
      assert.equal(scene.leasesOf(vm).length, method === 'nfc' ? 1 : 0);
      await assertCancelled(vm, id);
    });
  }

  const held: readonly (readonly [string, keyof typeof VMS, Procedure, 'call' | 'answer'])[] = [
    ['while its target is looked at', 'in-preflight', 'listDomains', 'call'],
    ['as libvirt is asked to define it', 'in-define', 'define', 'call'],
    ['when libvirt has it, and nobody knows', 'after-define', 'define', 'answer'],
    ['as libvirt is asked to start it', 'in-start', 'start', 'call'],
    ['when it runs, and nobody knows', 'after-start', 'start', 'answer'],
  ];
  for (const [when, vm, procedure, side] of held) {
    it(when, async () => {
      using call = scene.gate(vm).hold(procedure, side);
      const id = await api.submit(scene.request(vm, { options: { start: true } }));
      await call.reached();
      await assertCancelled(vm, id);
    });
  }

  it('while it waits for another attempt', async () => {
    await scene.gate('waiting').stop();
    const id = await api.submit(scene.request('waiting'));
    const { last_error: error } = await api.when(id, (job) => job.last_error !== null);
    await scene.gate('waiting').start();
    await assertCancelled('waiting', id);
    assert.equal(error?.kind, 'unavailable');
  });
});

describe('a clock that is set back by a day, and then ahead by two', () => {
  it('neither stops a migration nor has it run twice', async () => {
    let id;
    {
      using _slow = scene.vsphere.troubleBytes({ vm: 'late', bytesPerSecond: MIB });
      id = await api.submit(scene.request('late'));
      for (const [bytes, ms] of [
        [MIB, DAY_MS],
        [4 * MIB, -DAY_MS],
      ] as const) {
        const look = () => (scene.vsphere.served({ vm: 'late' }) > bytes ? true : undefined);
        await until(look, 'bytes');
        setBackMs = ms;
      }
    }
    const { attempts } = await api.completed(id);
    setBackMs = 0;
    assert.equal(attempts, 1);
    await scene.assertMoved('late');
  });
});

describe('the same request sent twice', () => {
  const id = 'wave-1-twice';

  it('is one job, whether it runs or has ended', async () => {
    const request = scene.request('twice', { id });
    assert.deepEqual(await Promise.all([api.submit(request), api.submit(request)]), [id, id]);
    await api.completed(id);
    assert.equal(await api.submit(request), id);
    const { attempts } = await api.completed(id);
    assert.equal(attempts, 1);
    await scene.assertMoved('twice');
  });

  it('with other content is refused, and changes nothing', async () => {
    const other = scene.request('late', { id });
    const { status, json } = await api.call('POST', '/jobs/submit', other);
    assert.equal(status, 409);
    assert.match(String(json['error']), /wave-1-twice/);
    const job = (await api.call('GET', `/jobs/${id}`)).json;
    assert.deepEqual((job['definition'] as { vm_path: string }).vm_path, 'DC0/vm/Production/twice');
  });
});
