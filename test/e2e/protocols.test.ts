/** The whole life of a machine, over each protocol by a client that knows no other. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { PROTOCOLS, type ProtocolClient } from '#test/e2e/protocol-clients.ts';
import { BARE, demoConfig, READY } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { IS_WHOLE } from '#test/whole.ts';

/** Returns when the console has matched so often since the machine was made. */
async function waitForConsole(client: ProtocolClient, vmId: string, times: number): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]);
  const everywhere = new RegExp(READY, 'g');
  let text = '';
  try {
    for await (const data of client.console(vmId, signal)) {
      text += Buffer.from(data).toString();
      if ([...text.matchAll(everywhere)].length >= times) return;
    }
  } finally {
    stop.abort();
  }
  assert.fail(`the guest was not ready ${times} times:\n${text}`);
}

function assertMeasured(info: Record<string, Record<string, unknown>>): void {
  const { metrics } = info;
  assert.ok(Number(metrics?.['cpu_time_nanos']) > 0, 'it has used the processor');
  assert.ok(Number(metrics?.['memory_usage_bytes']) > 0, 'it uses memory');
  assert.ok(Number(metrics?.['disk_read_bytes']) > 0, 'it has read its disk');
}

/** One of each kind, or all of them; test/api/vm-service-protocols has all, without guests. */
const CLIENTS = Object.entries(PROTOCOLS).filter(
  ([name]) => IS_WHOLE || /JSON, by fetch|grpc-js|reflection/.test(name),
);
/** What a guest does is the same over each. */
const WITH_LINUX = /JSON, by fetch/;

describe('the whole life of a machine', { concurrency: 2 }, () => {
  for (const [name, open] of CLIENTS) {
    it(`over ${name}`, async (t) => {
      const host = await DroverHost.start(t);
      using client = open(host.url);
      const config = demoConfig(WITH_LINUX.test(name) ? {} : BARE);
      const created = await client.call('CreateVm', { vm_id: 'life', config });
      assert.deepEqual(created, { vm_id: 'life', state: 'VM_STATE_CREATED' });
      const tell = async (method: string, fields = {}) =>
        client.call(method, { vm_id: 'life', ...fields });

      const booted = await tell('BootVm');
      assert.deepEqual(booted, { success: true, state: 'VM_STATE_RUNNING' });
      await waitForConsole(client, 'life', 1);
      const info = await tell('GetVmInfo');
      assert.equal(info.state, 'VM_STATE_RUNNING');
      if (WITH_LINUX.test(name)) assertMeasured(info);
      const pid = await host.guestPid('life');

      assert.equal((await tell('PauseVm')).state, 'VM_STATE_PAUSED');
      assert.equal((await tell('GetVmInfo')).state, 'VM_STATE_PAUSED');
      assert.equal((await tell('ResumeVm')).state, 'VM_STATE_RUNNING');
      const rebooted = await tell('RebootVm');
      assert.deepEqual([rebooted.state, rebooted.outcome], ['VM_STATE_RUNNING', 'guest']);
      await waitForConsole(client, 'life', 2);
      assert.notEqual(await host.guestPid('life'), pid);

      const down = await tell('ShutdownVm', { timeout_seconds: 30 });
      assert.deepEqual([down.state, down.outcome], ['VM_STATE_SHUTDOWN', 'guest']);
      assert.equal((await host.guests()).size, 0);
      assert.equal((await tell('BootVm')).state, 'VM_STATE_RUNNING');
      await assert.rejects(async () => tell('DeleteVm'), /force/);
      assert.deepEqual(await tell('DeleteVm', { force: true }), { success: true });

      await assert.rejects(async () => tell('GetVmInfo'), /not found or not owned/);
      const list = await client.call('ListVms', {});
      assert.equal(list.vms?.length ?? 0, 0);
      assert.deepEqual([...(await host.guests()).keys()], []);
      assert.deepEqual(await host.machineDirs(), []);
    });
  }
});
