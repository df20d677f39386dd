/** What a guest on a tap sends and receives under a limit. It runs alone: see scripts/test.ts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { consoleSays, infoOf, runDemo } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';
import { namespacesMissing, NetworkNamespace } from '#test/network-namespace.ts';

const skip = await namespacesMissing();
const GATEWAY = '10.77.0.1';
const sleep = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));

/** Bytes per second that the guest receives, as the API counts them. */
async function receivedPerSecond(host: DroverHost, vmId: string): Promise<number> {
  const read = async () => Number((await infoOf(host, vmId)).metrics.network_rx_bytes);
  while ((await read()) < 1_000_000) await sleep(100);
  const [before, startedAt] = [await read(), performance.now()];
  await sleep(3000);
  const bytes = (await read()) - before;
  return (bytes * 1000) / (performance.now() - startedAt);
}

const STREAM = fileURLToPath(new URL('../tcp-stream.ts', import.meta.url));

describe('a guest with a rate limit', { skip }, () => {
  it('sends and receives no more than the limit says, and not far less', async (t) => {
    const namespace = await NetworkNamespace.open();
    const flags = ['--network-ipv4-subnet', '10.77.0.0/24'];
    const host = await DroverHost.start(t, { namespace, flags });
    // After what the host itself registered: its processes are gone by then.
    t.after(() => namespace[Symbol.asyncDispose]());
    const bytesPerSecond = 500_000;
    const limit = {
      bandwidth_bytes_per_second: bytesPerSecond,
      burst_bytes: 16_384,
      refill_time_millis: 100,
    };
    const sizes = ['500000', '1500000'];
    const receiver = namespace.start(process.execPath, [STREAM, 'receive', '7001', ...sizes]);
    assert.ok(receiver.stdout);
    const lines = createInterface({ input: receiver.stdout });
    await once(lines, 'line');
    const sentPerSecond = once(lines, 'line');
    const script = `
      nc -ll -p 7000 -e dd of=/dev/null &
      until netstat -ltn | grep -q ':7000 '; do usleep 50000; done
      echo 'listening now'
      dd if=/dev/zero bs=16k | nc ${GATEWAY} 7001
    `;
    const nic = { interface_id: 'eth0', guest_mac: 'auto', rate_limit: limit };
    const vmId = await runDemo(host, { network: [nic], script });
    await consoleSays(host, vmId, /listening now/);
    const [{ guest_ipv4: ipv4 }] = (await infoOf(host, vmId)).network_info.interfaces;
    namespace.start(process.execPath, [STREAM, 'send', ipv4.address, '7000']);
    const received = await receivedPerSecond(host, vmId);
    const sent = Number((await sentPerSecond)[0]);
    // A guest that waits for a processor takes less; without a limit it takes twenty times more.
    const isLimited = (rate: number) => rate > 0.4 * bytesPerSecond && rate < 1.25 * bytesPerSecond;
    assert.ok(isLimited(received), `received ${received} B/s`);
    assert.ok(isLimited(sent), `sent ${sent} B/s`);
  });
});
