import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { GuestExit } from '#machines/hypervisor.ts';
import { GuestLife } from './guest-life.ts';
import type { ProcessEnd } from './qemu-process.ts';
import type { QmpEvent } from './qmp-commands.ts';

const shutdown = (reason: string): QmpEvent => ({ name: 'SHUTDOWN', isByGuest: true, reason });
const CLEAN: ProcessEnd = { code: 0, signal: null };
const KILLED: ProcessEnd = { code: null, signal: 'SIGKILL' };

const ENDS: readonly [QmpEvent[], ProcessEnd | undefined, boolean, GuestExit['reason']][] = [
  [[shutdown('guest-shutdown')], CLEAN, true, 'guest-poweroff'],
  [[shutdown('guest-shutdown')], undefined, true, 'guest-poweroff'],
  [[{ name: 'GUEST_PANICKED' }, shutdown('guest-panic')], CLEAN, true, 'guest-panic'],
  [[{ name: 'GUEST_PANICKED' }], KILLED, true, 'guest-panic'],
  [[shutdown('guest-reset')], CLEAN, true, 'guest-reset'],
  [[shutdown('host-signal')], CLEAN, true, 'process-died'],
  [[shutdown('host-qmp-quit')], CLEAN, true, 'process-died'],
  [[], KILLED, true, 'process-died'],
  [[], { code: 1, signal: null }, true, 'process-died'],
  [[], undefined, true, 'process-died'],
  [[], undefined, false, 'unknown'],
];

describe('the end of a guest', () => {
  it('has the reason that its events and its process give', () => {
    for (const [events, end, wasWatched, reason] of ENDS) {
      const life = new GuestLife();
      for (const event of events) life.observe(event);
      assert.equal(life.conclude(end, wasWatched).reason, reason);
    }
  });

  it('is a kill when it was killed here, whatever else was heard', () => {
    const life = new GuestLife();
    life.isKilled = true;
    life.observe(shutdown('host-signal'));
    assert.equal(life.conclude(CLEAN, true).reason, 'killed');
  });

  it('is not a reset, of which only those by the guest are told', () => {
    const life = new GuestLife();
    let resets = 0;
    life.onReset(() => (resets += 1));
    life.observe({ name: 'RESET', isByGuest: true, reason: 'guest-reset' });
    life.observe({ name: 'RESET', isByGuest: false, reason: 'host-qmp-system-reset' });
    assert.equal(resets, 1);
  });
});
