import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import { MIB } from '#kernel/units.ts';
import { Crash, FakeMigration, REQUEST, WEB_SERVER } from '#test/fake-migration.ts';
import type { Preparation } from './guest-preparer.ts';
import { readCheckpoint } from './migration-checkpoint.ts';

function withOptions(options: object): object {
  return { ...REQUEST, options: { ...REQUEST.options, ...options } };
}

const PREPARED: Preparation = { hasVirtio: true, findings: [] };

describe('a migration', () => {
  it('copies, checks, defines and starts a VM, and says what it did', async () => {
    const migration = new FakeMigration();
    const result = await migration.run();
    assert.deepEqual([...migration.domains.keys()], ['web-1']);
    assert.deepEqual([...migration.running], ['web-1']);
    assert.equal(migration.openExports, 0);
    assert.deepEqual(migration.lanes, ['esxi:host-9']);
    assert.equal(result['target_name'], 'web-1');
    assert.equal(result['export_method'], 'datastore');
    assert.equal(result['total_bytes'], 2 * 1024 * 1024);
    assert.equal(result['received_bytes'], 4000);
    assert.equal(result['domain'], 'web-1');
    const percents = migration.reports.map(({ percent }) => percent);
    assert.deepEqual(
      percents,
      percents.toSorted((one, other) => one - other),
    );
    assert.equal(percents.at(-1), 100);
  });

  it('tells of disks that go on over a network in a stage of its own', async () => {
    const migration = new FakeMigration();
    migration.sentBytes = 1000;
    const result = await migration.run();
    assert.equal(result['target_name'], 'web-1');
    const sent = migration.reports.filter(({ stage }) => stage === 'send');
    assert.deepEqual(
      sent.map(({ doneBytes }) => doneBytes),
      [0, 500, 1000, 1500, 2000],
    );
    const [begin, , , , end] = sent;
    assert.deepEqual([begin?.percent, begin?.totalBytes, end?.percent], [58, 2000, 96]);
    assert.ok((end?.bytesPerSecond ?? 0) > 0);
    assert.deepEqual(migration.paces.slice(4), [undefined, undefined]);
    const percents = migration.reports.map(({ percent }) => percent);
    assert.deepEqual(
      percents,
      percents.toSorted((one, other) => one - other),
    );
    const { doneBytes, totalBytes } = migration.reports.at(-1) ?? {};
    assert.deepEqual([doneBytes, totalBytes], [2 * MIB, 2 * MIB], 'it is of the disks again');
  });

  it('gives the guest controllers and NICs it has drivers for, and keeps its MAC', async () => {
    const migration = new FakeMigration();
    await migration.run();
    const vm = migration.domains.get('web-1');
    assert.deepEqual(
      vm?.disks.map(({ bus }) => bus),
      ['sata', 'sata'],
    );
    assert.deepEqual(vm?.nics, [
      { mac: '00:50:56:00:00:01', network: 'br0', model: 'e1000e', isConnected: true },
    ]);
    assert.equal(vm?.firmware, 'efi');
  });

  it('gives it virtio once the guest has been prepared for that', async () => {
    const migration = new FakeMigration();
    migration.preparation = PREPARED;
    migration.onCall = (name, when) => {
      if (name === 'adopt' && when === 'before') throw new Crash();
    };
    await assert.rejects(migration.run(), Crash);
    migration.onCall = () => undefined;
    await migration.run();
    assert.equal(migration.count('prepare'), 1);
    const vm = migration.domains.get('web-1');
    assert.deepEqual(
      [...(vm?.disks ?? []).map(({ bus }) => bus), vm?.nics[0]?.model],
      ['virtio', 'virtio', 'virtio'],
    );
  });

  it('leaves the guest as it is when told to, and warns of what was not done for it', async () => {
    const left = new FakeMigration();
    await left.run(withOptions({ prepare: 'never' }));
    assert.equal(left.count('prepare'), 0);
    const migration = new FakeMigration();
    const what = { severity: 'warning', subject: undefined, remedy: undefined } as const;
    const finding = { ...what, code: 'guest-not-prepared', message: 'no program for it' };
    migration.preparation = { hasVirtio: false, findings: [finding] };
    const result = await migration.run();
    assert.deepEqual(result['warnings'], [finding]);
    assert.ok(migration.logs.includes('warn no program for it'));
    assert.equal(migration.domains.get('web-1')?.nics[0]?.model, 'e1000e');
  });

  it('comes to the same end wherever its process dies', async () => {
    const whole = new FakeMigration();
    whole.preparation = PREPARED;
    whole.sentBytes = 1000;
    await whole.run(withOptions({ boot_timeout: '60s' }));
    for (const when of ['before', 'after'] as const) {
      for (let dieAt = 0; dieAt < whole.calls.length; dieAt += 1) {
        const migration = new FakeMigration();
        migration.preparation = PREPARED;
        migration.sentBytes = 1000;
        let left = dieAt;
        migration.onCall = (_name, moment) => {
          if (moment !== when) return;
          if (left === 0) throw new Crash(`dies ${when} call ${dieAt}`);
          left -= 1;
        };
        await assert.rejects(migration.run(withOptions({ boot_timeout: '60s' })), Crash);
        // A lease that nobody renews any more ends by itself.
        migration.openExports = 0;
        migration.onCall = () => undefined;
        await migration.run(withOptions({ boot_timeout: '60s' }));
        const where = `${when} call ${dieAt}, ${whole.calls[dieAt]}`;
        assert.deepEqual(migration.domains, whole.domains, where);
        assert.deepEqual(migration.running, whole.running, where);
        assert.deepEqual(migration.files, whole.files, where);
        assert.equal(migration.openExports, 0, where);
      }
    }
  });

  it('copies as fast as its request says, or as was said since', async () => {
    const migration = new FakeMigration();
    migration.onCall = (name, when) => {
      if (name === 'copy /images/web-1-2001' && when === 'before') {
        migration.controls = { bandwidth_limit: 2000 };
      }
    };
    await migration.run(withOptions({ bandwidth_limit: '1MiB', parallel_disks: 1 }));
    assert.deepEqual(migration.paces, [MIB, MIB, MIB, 2000]);
  });

  it('sends disks on as fast as was said last', async () => {
    const migration = new FakeMigration();
    migration.sentBytes = 1000;
    migration.controls = { bandwidth_limit: 50_000 };
    await migration.run(withOptions({ bandwidth_limit: '1MiB' }));
    // What was saved up for a quarter of a second goes at once.
    assert.deepEqual(migration.paces.slice(4), [50_000, 57_143]);
  });

  it('copies no disk again that was copied', async () => {
    const migration = new FakeMigration();
    migration.onCall = (name, when) => {
      if (name === 'complete-export' && when === 'before') throw new Crash();
    };
    await assert.rejects(migration.run(), Crash);
    migration.onCall = () => undefined;
    await migration.run();
    assert.equal(migration.count('copy /images/web-1-2000'), 1);
    assert.equal(migration.count('copy /images/web-1-2001'), 1);
    assert.equal(migration.count('open-export'), 1);
  });

  it('copies all disks again of a VM that ran in between', async () => {
    const migration = new FakeMigration();
    migration.onCall = (name, when) => {
      if (name === 'complete-export' && when === 'before') throw new Crash();
    };
    await assert.rejects(migration.run(withOptions({ power: 'shutdown' })), Crash);
    migration.onCall = () => undefined;
    migration.vm = { ...WEB_SERVER, powerState: 'poweredOn' };
    await migration.run(withOptions({ power: 'shutdown' }));
    assert.equal(migration.count('copy /images/web-1-2000'), 2);
    assert.equal(migration.count('copy /images/web-1-2001'), 2);
  });

  it('copies all disks again of a VM that ran in between and is off again', async () => {
    const migration = new FakeMigration();
    migration.vm = { ...WEB_SERVER, state: 'before' };
    migration.onCall = (name, when) => {
      if (name === 'complete-export' && when === 'before') throw new Crash();
    };
    await assert.rejects(migration.run(), Crash);
    migration.onCall = () => undefined;
    migration.vm = { ...WEB_SERVER, state: 'after' };
    await migration.run();
    assert.equal(migration.count('copy /images/web-1-2000'), 2);
    assert.equal(migration.count('settle /images/web-1-2000'), 2);
    assert.ok(
      migration.logs.includes('warn web 1 ran or was changed since: its disks are copied anew'),
    );
  });

  it('takes what it did to the VM itself for no change', async () => {
    const migration = new FakeMigration();
    migration.vm = { ...WEB_SERVER, powerState: 'poweredOn', cdroms: ['CD'], state: 'running' };
    migration.onCall = (name, when) => {
      if (name === 'remove-cdroms' && when === 'after') {
        migration.vm = { ...migration.vm, cdroms: [], state: 'stopped' };
      }
      if (name === 'complete-export' && when === 'before') throw new Crash();
    };
    const request = withOptions({ power: 'power-off', remove_cdrom: true });
    await assert.rejects(migration.run(request), Crash);
    migration.onCall = () => undefined;
    await migration.run(request);
    assert.equal(migration.count('copy /images/web-1-2000'), 1);
  });

  it('leaves a copy as it is that has its place, when the source is changed', async () => {
    const migration = new FakeMigration();
    migration.vm = { ...WEB_SERVER, state: 'before' };
    migration.onCall = (name, when) => {
      if (name === 'define' && when === 'before') throw new Crash();
    };
    await assert.rejects(migration.run(), Crash);
    migration.onCall = () => undefined;
    migration.vm = { ...WEB_SERVER, state: 'after' };
    await migration.run();
    assert.equal(migration.count('copy /images/web-1-2000'), 1);
    assert.equal(migration.domains.size, 1);
  });

  it('reads over a lease what cannot be read from files, and keeps to it', async () => {
    const migration = new FakeMigration();
    let isRefused = false;
    migration.onCall = (name, when) => {
      if (name !== 'open-export' || when !== 'before' || isRefused) return;
      isRefused = true;
      throw new DroverError('failed_precondition', 'the datastore has no files');
    };
    const result = await migration.run();
    assert.equal(result['export_method'], 'nfc');
    assert.equal(readCheckpoint(migration.checkpoint).transport, 'nfc');
    assert.ok(migration.logs.some((line) => line.startsWith('warn datastore does not suit')));
  });

  it('goes through VDDK where nothing else suits the VM', async () => {
    const migration = new FakeMigration();
    migration.transports = ['nfc', 'datastore', 'vddk'];
    let asked = 0;
    migration.onCall = (name, when) => {
      if (name !== 'open-export' || when !== 'before') return;
      asked += 1;
      if (asked < 3) throw new DroverError('failed_precondition', `not by way ${asked}`);
    };
    const result = await migration.run();
    assert.equal(result['export_method'], 'vddk');
    assert.deepEqual(
      migration.logs.filter((line) => line.includes('suit')),
      [
        'warn datastore does not suit this VM, so it goes over nfc: not by way 1',
        'warn nfc does not suit this VM, so it goes over vddk: not by way 2',
      ],
    );
  });

  it('does not choose another way than it was told, and says so before the VM is off', async () => {
    const migration = new FakeMigration();
    migration.vm = { ...WEB_SERVER, powerState: 'poweredOn' };
    const options = { conversion_method: 'vddk', power: 'power-off' };
    const error = { kind: 'failed_precondition', reason: 'TRANSPORT_UNAVAILABLE' };
    await assert.rejects(migration.run(withOptions(options)), {
      ...error,
      message: 'options.conversion_method: vddk cannot be used here: use datastore or nfc',
    });
    migration.obstacles = { vddk: 'there is no nbdkit; install it' };
    await assert.rejects(migration.run(withOptions(options)), {
      ...error,
      message:
        'options.conversion_method: vddk cannot be used here: there is no nbdkit; install it',
    });
    assert.equal(migration.count('power-off'), 0);
  });

  it('says what a failed attempt left where, and what takes it back', async () => {
    const migration = new FakeMigration();
    migration.vm = { ...WEB_SERVER, powerState: 'poweredOn' };
    migration.onCall = (name, when) => {
      if (!name.startsWith('verify') || when !== 'before') return;
      throw new DroverError('data_loss', 'a block differs', { reason: 'DISK_DIFFERS' });
    };
    await assert.rejects(migration.run(withOptions({ power: 'power-off' })), (thrown: Error) => {
      assert.match(thrown.message, /^a block differs; it left the disk at \/images\/web-1-2000, /);
      assert.match(thrown.message, / off at the source, .*drover jobs clean job-1/);
      return true;
    });
  });

  it('does not go on with disks that are others by now', async () => {
    const migration = new FakeMigration();
    migration.onCall = (name) => {
      if (name === 'place') throw new Crash();
    };
    await assert.rejects(migration.run(), Crash);
    migration.onCall = () => undefined;
    migration.vm = { ...WEB_SERVER, disks: WEB_SERVER.disks.slice(1) };
    await assert.rejects(migration.run(), {
      kind: 'failed_precondition',
      reason: 'SOURCE_CHANGED',
    });
  });

  it('writes over no copy that is defined, when the source runs again', async () => {
    const migration = new FakeMigration();
    migration.onCall = (name) => {
      if (name === 'start') throw new Crash();
    };
    await assert.rejects(migration.run(), Crash);
    migration.onCall = () => undefined;
    migration.vm = { ...WEB_SERVER, powerState: 'poweredOn' };
    const again = migration.run(withOptions({ power: 'power-off' }));
    await assert.rejects(again, { kind: 'failed_precondition', reason: 'SOURCE_CHANGED' });
    assert.deepEqual([migration.count('power-off'), migration.count('open-export')], [0, 1]);
  });

  it('looks first, and touches nothing when something is wrong', async () => {
    const migration = new FakeMigration();
    migration.vm = { ...WEB_SERVER, powerState: 'poweredOn' };
    migration.missing = ['VirtualMachine.Provisioning.GetVmFiles'];
    await assert.rejects(migration.run({ ...REQUEST, options: {} }), (error) => {
      assert.ok(error instanceof DroverError);
      assert.equal(error.reason, 'PREFLIGHT_FAILED');
      assert.equal(error.metadata['codes'], 'vm-is-running,network-not-mapped,privilege-missing');
      return true;
    });
    assert.equal(migration.files.size + migration.domains.size, 0);
    assert.equal(migration.count('open-export') + migration.count('shut-down'), 0);
  });

  it('answers what it found when it is to look alone', async () => {
    const migration = new FakeMigration();
    migration.vm = { ...WEB_SERVER, powerState: 'suspended' };
    const result = await migration.run(withOptions({ dry_run: true }));
    assert.equal(result['dry_run'], true);
    assert.match(JSON.stringify(result['findings']), /vm-is-suspended/);
    assert.equal(migration.files.size, 0);
  });

  it('takes a running VM down as it was told, and knows that it did', async () => {
    for (const [power, call] of [
      ['shutdown', 'shut-down'],
      ['power-off', 'power-off'],
    ]) {
      const migration = new FakeMigration();
      migration.vm = { ...WEB_SERVER, powerState: 'poweredOn' };
      await migration.run(withOptions({ power }));
      assert.equal(migration.count(call ?? ''), 1);
      assert.equal(readCheckpoint(migration.checkpoint).stoppedSource, true);
    }
  });

  it('cleans up: the copy is gone, and the source runs again if it was stopped', async () => {
    const migration = new FakeMigration();
    migration.vm = { ...WEB_SERVER, powerState: 'poweredOn' };
    migration.onCall = (name) => {
      if (name === 'start') throw new Crash();
    };
    await assert.rejects(migration.run(withOptions({ power: 'power-off' })), Crash);
    migration.onCall = () => undefined;
    const removed = await migration.cleanUp();
    assert.ok(removed.includes('domain web-1'));
    assert.match(removed.at(-1) ?? '', /powered web 1 on again/);
    assert.equal(migration.files.size + migration.domains.size, 0);
    assert.equal(migration.vm.powerState, 'poweredOn');
    assert.deepEqual(await migration.cleanUp(), ['powered web 1 on again at the source']);
  });

  it('stops where it is when it is told to', async () => {
    const migration = new FakeMigration();
    migration.onCall = (name) => {
      if (name === 'place') migration.controller.abort(new Error('stop'));
    };
    await assert.rejects(migration.run(), /stop/);
    assert.equal(migration.files.size, 0);
  });
});
