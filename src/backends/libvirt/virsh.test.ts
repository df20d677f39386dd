import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { parseLibvirtUri, type LibvirtUri } from '#transfers/libvirt-uri.ts';
import { ProcessVirsh } from './virsh.ts';

/** The hypervisor inside of virsh itself, for those who try it out. */
const TEST: LibvirtUri = { text: 'test:///default', scope: 'system', isLocal: true };
const signal = new AbortController().signal;
const FOR_EVER = ['event', '--domain=test', '--event=lifecycle'] as const;

describe('ProcessVirsh', () => {
  it('answers what virsh prints, and takes no value for an option', async () => {
    const virsh = new ProcessVirsh({ uri: TEST, clock: systemClock, environment: {} });
    assert.equal((await virsh.run(['list', '--all', '--name'], { signal })).trim(), 'test');
    await assert.rejects(virsh.run(['domstate', '--domain=--help'], { signal }), {
      kind: 'not_found',
      message: /failed to get domain '--help'/,
    });
  });

  it('tells when there is nobody to be asked', async () => {
    const uri = parseLibvirtUri('qemu+unix:///session?socket=/nonexistent/libvirt-sock');
    const virsh = new ProcessVirsh({ uri, clock: systemClock, environment: {} });
    await assert.rejects(virsh.run(['version'], { signal }), { kind: 'unavailable' });
  });

  it('ends virsh when it is told to, and when it takes too long', async () => {
    const clock = new FakeClock();
    const virsh = new ProcessVirsh({ uri: TEST, clock, environment: {} });
    const stop = new AbortController();
    const stopped = virsh.run(FOR_EVER, { signal: stop.signal });
    stop.abort(new Error('cancelled'));
    await assert.rejects(stopped, /^Error: cancelled$/);
    await assert.rejects(virsh.run(FOR_EVER, { signal: stop.signal }), /^Error: cancelled$/);
    const slow = virsh.run(FOR_EVER, { signal, timeoutMs: 5000 });
    await clock.advance(5000);
    await assert.rejects(slow, { kind: 'unavailable', reason: 'LIBVIRT_SILENT' });
  });
});
