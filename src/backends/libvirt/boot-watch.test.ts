import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '#kernel/fake-clock.ts';
import { ScriptedVirsh, type Script } from '#test/libvirt/scripted-virsh.ts';
import { BootWatch } from './boot-watch.ts';
import { LibvirtHost } from './libvirt-host.ts';

const UUID = '42329208-8c5a-3254-1234-567890abcdef';
const MAC = '00:50:56:00:00:01';
const GUEST = `<domain><devices>
  <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
  <interface type='network'><mac address='${MAC}'/><source network='lan'/></interface>
  <interface type='bridge'><mac address='00:50:56:00:00:02'/><source bridge='br0'/></interface>
</devices></domain>`;
const NOT_CONNECTED = '!error: Guest agent is not responding: QEMU guest agent is not connected';
const LEASE = (at: string, address: string) =>
  ` 2026-11-21 ${at}   ${MAC}   ipv4       ${address}/24   web        -\n`;
const STARTING: Script = {
  dumpxml: GUEST,
  domstate: 'running (booted)\n\n',
  'net-dhcp-leases': '',
  'qemu-agent-command': NOT_CONNECTED,
};
const signal = new AbortController().signal;

function watchOver(script: Script) {
  const clock = new FakeClock();
  const virsh = new ScriptedVirsh(script);
  const host = new LibvirtHost(virsh);
  const watch = new BootWatch({ host, clock, isLocal: false, readyTexts: [] });
  return { clock, virsh, watch };
}

describe('BootWatch', () => {
  it('takes the answer of an agent for life', async () => {
    const { clock, virsh, watch } = watchOver(STARTING);
    const life = watch.awaitLife(UUID, 60_000, signal);
    await clock.advance(5000);
    virsh.script = { ...STARTING, 'qemu-agent-command': '{"return":{}}' };
    await clock.advance(5000);
    assert.equal(await life, 'the agent in the guest answers');
    const pings = virsh.asked.filter((line) => line.startsWith('qemu-agent-command'));
    assert.deepEqual(
      new Set(pings),
      new Set([`qemu-agent-command --domain=${UUID} --timeout=2 {"execute":"guest-ping"}`]),
    );
  });

  it('takes a lease for life, but not one from before the start', async () => {
    const { clock, virsh, watch } = watchOver({
      ...STARTING,
      'net-dhcp-leases': LEASE('18:00:00', '192.168.122.45'),
    });
    await watch.prepare(UUID, signal);
    const life = watch.awaitLife(UUID, 60_000, signal);
    await clock.advance(5000);
    virsh.script = { ...STARTING, 'net-dhcp-leases': LEASE('19:00:00', '192.168.122.46') };
    await clock.advance(5000);
    assert.equal(await life, 'the guest has the address 192.168.122.46');
    assert.ok(virsh.asked.includes(`net-dhcp-leases --network=lan --mac=${MAC}`));
  });

  it('does not wait for a guest that has stopped or was paused', async () => {
    for (const state of ['shut off (crashed)', 'crashed (panicked)', 'paused (I/O error)']) {
      const { watch } = watchOver({ ...STARTING, domstate: state });
      await assert.rejects(watch.awaitLife(UUID, 60_000, signal), {
        reason: 'GUEST_STOPPED',
        message: `the guest stopped before it showed signs of life: it is ${state}`,
      });
    }
  });

  it('gives up at its time, and at once when it is told to or libvirt is gone', async () => {
    const late = watchOver(STARTING);
    const silent = assert.rejects(late.watch.awaitLife(UUID, 12_000, signal), {
      kind: 'deadline_exceeded',
      message: /^the guest showed no sign of life within 12 s: no answer of an agent, no address$/,
    });
    await late.clock.advance(15_000);
    await silent;
    const stop = new AbortController();
    const stopped = watchOver(STARTING);
    const waiting = stopped.watch.awaitLife(UUID, 12_000, stop.signal);
    const ended = assert.rejects(waiting, /^Error: cancelled$/);
    await stopped.clock.advance(1000);
    stop.abort(new Error('cancelled'));
    await ended;
    assert.equal(stopped.clock.pendingTimers, 0);
    const gone = { ...STARTING, 'qemu-agent-command': '!error: client socket is closed' };
    const { watch } = watchOver(gone);
    await assert.rejects(watch.awaitLife(UUID, 12_000, signal), { kind: 'unavailable' });
  });
});
