/** Console: what a guest printed, from any place on, for as long as the reader stays. */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Code, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import { FakeHypervisor } from '#backends/fake/fake-hypervisor.ts';
import { Machines, type ConsoleResponse } from '#gen/drover/v1/machines_pb.js';
import type { MachineId } from '#kernel/ids.ts';
import { isMachineId } from '#kernel/ids.ts';
import type { ConsoleLog } from '#machines/hypervisor.ts';
import {
  CUSTOMER,
  MACHINES,
  OTHER_CUSTOMER,
  ask,
  callMachines,
  createVm,
} from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

const TRANSPORTS: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  'Connect JSON': (baseUrl) => createConnectTransport({ baseUrl, httpVersion: '1.1' }),
  'Connect binary': (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true }),
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
  'gRPC-Web': (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
};
const headers = { authorization: `Bearer ${CUSTOMER}` };
const ID = 'talks';

function machineId(text: string): MachineId {
  assert.ok(isMachineId(text));
  return text;
}

const textOf = (chunks: readonly ConsoleResponse[]) =>
  Buffer.concat(chunks.map(({ data }) => data)).toString();

describe('Console', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
    await createVm(server, { vm_id: ID });
  });
  beforeEach(() => {
    server.host.consoles.clear();
    server.host.print(machineId(ID), 'one\ntwo\nthree\n');
  });
  after(() => server[Symbol.asyncDispose]());

  const open = (transport = TRANSPORTS['gRPC']) => {
    assert.ok(transport !== undefined);
    return createClient(Machines, transport(server.url));
  };
  const readAll = async (request: { offset?: bigint; vmId?: string }, transport?: string) => {
    const client = open(transport === undefined ? undefined : TRANSPORTS[transport]);
    return await Array.fromAsync(client.console({ vmId: ID, ...request }, { headers }));
  };

  for (const name of Object.keys(TRANSPORTS)) {
    it(`gives what was printed, and where to go on, over ${name}`, async () => {
      const chunks = await readAll({}, name);
      assert.equal(textOf(chunks), 'one\ntwo\nthree\n');
      assert.equal(chunks[0]?.offset, 0n);
      assert.equal(chunks.at(-1)?.nextOffset, 14n);
      assert.equal(chunks[0]?.truncated, false);
    });

    it(`goes on with what comes while it is followed, over ${name}`, async () => {
      const leaving = new AbortController();
      const client = open(TRANSPORTS[name]);
      const request = { vmId: ID, offset: 4n, follow: true };
      const seen: ConsoleResponse[] = [];
      for await (const chunk of client.console(request, { headers, signal: leaving.signal })) {
        seen.push(chunk);
        if (seen.length === 1) server.host.print(machineId(ID), 'four\n');
        else break;
      }
      leaving.abort();
      assert.equal(textOf(seen), 'two\nthree\nfour\n');
      assert.deepEqual([seen[1]?.offset, seen[1]?.nextOffset], [14n, 19n]);
    });
  }

  it('begins at an offset, and counts a negative one back from the end', async () => {
    assert.equal(textOf(await readAll({ offset: 8n })), 'three\n');
    assert.equal(textOf(await readAll({ offset: -6n })), 'three\n');
    assert.equal(textOf(await readAll({ offset: -1000n })), 'one\ntwo\nthree\n');
    const least = -(2n ** 63n);
    assert.equal(textOf(await readAll({ offset: least })), 'one\ntwo\nthree\n');
    for (const offset of [14n, 15n, 2n ** 63n - 1n]) {
      assert.deepEqual(await readAll({ offset }), []);
    }
  });

  it('sends a long log in pieces that fit together', async () => {
    const long = Array.from({ length: 30_000 }, (_, at) => `line ${at}\n`).join('');
    server.host.consoles.set(machineId(ID), long);
    const chunks = await readAll({});
    assert.equal(textOf(chunks), long);
    for (const [at, chunk] of chunks.entries()) {
      assert.ok(chunk.data.length <= 65_536);
      assert.equal(chunk.offset, chunks[at - 1]?.nextOffset ?? 0n);
    }
  });

  it('of a machine that never ran is empty', async () => {
    const vmId = await createVm(server);
    assert.deepEqual(await readAll({ vmId }), []);
  });

  it('ends when its machine is deleted, and never shows the next one of that id', async () => {
    await createVm(server, { vm_id: 'reused' });
    await ask(server, 'BootVm', { vm_id: 'reused' });
    const stream = open().console({ vmId: 'reused', follow: true }, { headers });
    const chunks = stream[Symbol.asyncIterator]();
    assert.equal(
      Buffer.from((await chunks.next()).value?.data ?? []).toString(),
      'booted reused\n',
    );
    const next = chunks.next();
    await ask(server, 'DeleteVm', { vm_id: 'reused', force: true });
    await createVm(server, { vm_id: 'reused', token: OTHER_CUSTOMER });
    server.host.print(machineId('reused'), 'a secret of another customer');
    assert.equal((await next).done, true);
  });

  it('ends with unavailable when the server stops', async () => {
    const stopping = await openTestServer({ config: { drainMs: 60_000 } });
    await createVm(stopping, { vm_id: ID });
    stopping.host.print(machineId(ID), 'up\n');
    const client = createClient(Machines, createGrpcTransport({ baseUrl: stopping.url }));
    const stream = client.console({ vmId: ID, follow: true }, { headers });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    const ended = assert.rejects(() => chunks.next(), { code: Code.Unavailable });
    await stopping[Symbol.asyncDispose]();
    await ended;
  });
});

/** Counts what is asked of consoles. */
class CountingHypervisor extends FakeHypervisor {
  reads = 0;
  waiting = 0;

  override console(id: MachineId): ConsoleLog {
    const log = super.console(id);
    return {
      read: (offset, maxBytes) => {
        this.reads += 1;
        return log.read(offset, maxBytes);
      },
      changed: async (signal) => {
        this.waiting += 1;
        try {
          await log.changed(signal);
        } finally {
          this.waiting -= 1;
        }
      },
    };
  }
}

async function openCountingServer() {
  const hypervisor = new CountingHypervisor();
  const around = await openTestServer({
    host: hypervisor.host,
    backends: (backends) => ({ ...backends, hypervisor }),
  });
  return { hypervisor, around };
}

describe('a reader of a console', () => {
  it('that is slow makes the server wait, and gets all of it in the end', async () => {
    const { hypervisor, around } = await openCountingServer();
    await using server = around;
    await createVm(server, { vm_id: ID });
    const long = 'x'.repeat(64 * 1024 * 80);
    hypervisor.host.consoles.set(machineId(ID), long);
    const session = http2.connect(server.url);
    const request = session.request({
      ':method': 'POST',
      ':path': `/${MACHINES}/Console`,
      'content-type': 'application/connect+proto',
      ...headers,
    });
    // vm_id = "talks", field 1.
    request.end(encodeEnvelope(0, Buffer.from(`\n${String.fromCharCode(ID.length)}${ID}`)));
    let reads = -1;
    // It stands still when a few other calls later nothing more was read.
    for (let tries = 0; reads !== hypervisor.reads || reads === 0; tries += 1) {
      assert.ok(tries < 100, 'it is read on and on, or not at all');
      reads = hypervisor.reads;
      for (let at = 0; at < 20; at += 1) await callMachines(server, 'GetQuota');
    }
    assert.ok(reads < 40, `${reads} pieces were read for a reader that takes none`);
    let sizeBytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) sizeBytes += chunk.length;
    session.close();
    assert.ok(sizeBytes > long.length);
    assert.equal(hypervisor.reads, 81);
  });

  it('that goes away is not waited for', async () => {
    const { hypervisor, around } = await openCountingServer();
    await using server = around;
    await createVm(server, { vm_id: ID });
    hypervisor.host.print(machineId(ID), 'hello\n');
    for (const transport of Object.values(TRANSPORTS)) {
      const leaving = new AbortController();
      const client = createClient(Machines, transport(server.url));
      const request = { vmId: ID, follow: true };
      for await (const _ of client.console(request, { headers, signal: leaving.signal })) break;
      leaving.abort();
    }
    for (let tries = 0; hypervisor.waiting > 0 && tries < 500; tries += 1) {
      await callMachines(server, 'GetQuota');
    }
    const { reads } = hypervisor;
    hypervisor.host.print(machineId(ID), 'is anybody there?\n');
    await callMachines(server, 'GetQuota');
    assert.deepEqual([hypervisor.waiting, hypervisor.reads], [0, reads]);
  });
});
