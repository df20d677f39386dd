/** How `drover up` listens, and how it goes. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';

import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { ask, CUSTOMER, get } from '#test/api-client.ts';
import { createTestCertificates } from '#test/certificates.ts';
import { bearer, consoleSays, createDemo, DEAF, machinesClient, runDemo } from '#test/demo-vm.ts';
import { DroverHost } from '#test/drover-host.ts';

describe('drover up', { concurrency: 2 }, () => {
  it('speaks Connect over HTTP/1.1 and gRPC over HTTP/2, both by TLS on one port', async (t) => {
    const host = await DroverHost.open(t, { isFromSources: true });
    const { ca, server } = createTestCertificates();
    const [certFile, keyFile] = [join(host.dataDir, 'tls.crt'), join(host.dataDir, 'tls.key')];
    await writeFile(certFile, server.cert);
    await writeFile(keyFile, server.key);
    await host.up(['--tls-cert', certFile, '--tls-key', keyFile]);
    assert.match(host.url, /^https:/);
    const nodeOptions = { ca: ca.cert };
    for (const transport of [
      createConnectTransport({ baseUrl: host.url, httpVersion: '1.1', nodeOptions }),
      createGrpcTransport({ baseUrl: host.url, nodeOptions }),
    ]) {
      const vms = createClient(VmService, transport);
      assert.equal((await vms.listVms({}, bearer(CUSTOMER))).totalCount, 0);
    }
    const distrusting = createGrpcTransport({ baseUrl: host.url });
    await assert.rejects(createClient(VmService, distrusting).listVms({}, bearer(CUSTOMER)));
  });

  it('serves a surface alone on a port of its own, with its health and metrics', async (t) => {
    const host = await DroverHost.open(t, { isFromSources: true });
    await host.up(['--listen', 'vm-service=0']);
    const alone = { url: /"vm-service","url":"([^"]+)"/.exec(host.log)?.[1] ?? 'not logged' };
    assert.notEqual(alone.url, host.url);
    const id = await createDemo(alone, { id: 'made-there' });
    assert.equal((await ask(host, 'GetVmInfo', { vm_id: id })).state, 'VM_STATE_CREATED');
    assert.equal((await get(alone, '/health')).json.status, 'healthy');
    assert.match((await get(alone, '/metrics')).text, /unkey_metald_active_vms/);
  });

  it('ends with 0 within ten seconds of SIGTERM, and guests run on', async (t) => {
    const host = await DroverHost.start(t, { isFromSources: true });
    const vmId = await runDemo(host, { args: 'demo.ticks' });
    const deaf = await runDemo(host, DEAF);
    const before = await host.guests();
    const request = { vmId, offset: 0n, follow: true };
    const following = Array.fromAsync(machinesClient(host).console(request, bearer(CUSTOMER)));
    const shutdown = ask(host, 'ShutdownVm', { vm_id: deaf, timeout_seconds: 60 });
    const gone = Promise.allSettled([following, shutdown]);
    await consoleSays(host, vmId, /tick 3/);
    const startedAt = performance.now();
    assert.deepEqual(await host.stop(), { code: 0, signal: null });
    assert.ok(performance.now() - startedAt < 11_000);
    await gone;
    assert.deepEqual(await host.guests(), before);
    await host.up();
    assert.equal((await ask(host, 'PauseVm', { vm_id: vmId })).state, 'VM_STATE_PAUSED');
  });

  it('ends with an error that says what is wrong, when something is', async (t) => {
    const host = await DroverHost.open(t, { isFromSources: true });
    await assert.rejects(host.up(['--host', '0.0.0.0']), /ended with \d+:[^]*--insecure/);
    await assert.rejects(host.up(['--drain-ms', 'soon']), /ended with 2:[^]*drainMs/);
  });
});
