import assert from 'node:assert/strict';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { systemClock } from '#kernel/clock.ts';
import { probeAccelerator, runTrialGuest } from './accelerator-probe.ts';

describe('the probe of the accelerator', () => {
  it('has a trial guest that runs', async () => {
    const options = { clock: systemClock, deadlineMs: 30_000 };
    assert.deepEqual(await runTrialGuest('tcg', options), { obstacle: undefined });
  });

  it('ends a trial guest that hangs', async () => {
    const { obstacle } = await runTrialGuest('tcg', { clock: systemClock, deadlineMs: 1 });
    assert.match(obstacle ?? '', /did nothing for/);
  });

  it('falls back to TCG where there is no KVM, and says so', async () => {
    const options = { clock: systemClock, kvmPath: '/dev/no-kvm' };
    assert.deepEqual(await probeAccelerator('auto', options), {
      accelerator: 'tcg',
      reason: 'TCG (slow): this host has no /dev/no-kvm',
    });
    await assert.rejects(probeAccelerator('kvm', options), {
      kind: 'failed_precondition',
      reason: 'KVM_UNUSABLE',
    });
  });

  it('falls back to TCG where the device opens and QEMU cannot use it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'drover-kvm-'));
    try {
      const kvmPath = join(directory, 'kvm');
      writeFileSync(kvmPath, '');
      const options = { clock: systemClock, kvmPath, binary: 'no-such-qemu' };
      const { accelerator, reason, kvmFault } = await probeAccelerator('auto', options);
      assert.deepEqual([accelerator, kvmFault], ['tcg', undefined]);
      assert.match(reason, /QEMU cannot be started/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('says what is wrong with a KVM that QEMU takes for good', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'drover-kvm-'));
    try {
      const [kvmPath, binary] = [join(directory, 'kvm'), join(directory, 'qemu')];
      writeFileSync(kvmPath, '');
      writeFileSync(binary, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
      const options = { clock: systemClock, kvmPath, binary, deadlineMs: 50 };
      assert.deepEqual(await probeAccelerator('auto', options), {
        accelerator: 'tcg',
        reason: 'TCG (slow): a trial guest did nothing for 0.05 s',
        kvmFault: 'a trial guest did nothing for 0.05 s',
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('tries nothing when TCG is configured', async () => {
    const options = { clock: systemClock, binary: 'no-such-qemu' };
    assert.equal((await probeAccelerator('tcg', options)).accelerator, 'tcg');
  });
});
