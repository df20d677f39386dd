import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import type { Client, Transport } from '@connectrpc/connect';
import { encodeEnvelope } from '@connectrpc/connect/protocol';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import { ErrorInfoSchema } from '#gen/google/rpc/error_details_pb.js';
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { DroverError } from '#kernel/errors.ts';
import type { Listener } from '#surfaces/edge/listener.ts';
import { TEST_TOKEN, openTestRpcServer } from '#test/rpc-server.ts';

const headers = { authorization: TEST_TOKEN };

function createTransports(baseUrl: string): Record<string, Transport> {
  return {
    'Connect JSON, HTTP/1.1': createConnectTransport({ baseUrl, httpVersion: '1.1' }),
    'Connect JSON, HTTP/2': createConnectTransport({ baseUrl, httpVersion: '2' }),
    'Connect binary, HTTP/2': createConnectTransport({
      baseUrl,
      httpVersion: '2',
      useBinaryFormat: true,
    }),
    'gRPC, HTTP/2': createGrpcTransport({ baseUrl }),
    'gRPC-Web, HTTP/1.1': createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  };
}

const TRANSPORTS = Object.keys(createTransports('http://127.0.0.1:1'));

async function failureOf(messages: AsyncIterable<unknown>): Promise<ConnectError> {
  try {
    for await (const _message of messages);
  } catch (thrown) {
    return ConnectError.from(thrown);
  }
  return assert.fail('the stream ended well');
}

/** Says it is there and then hangs without a look at the signal, as bad implementations do. */
async function* sayAndHang(signal: AbortSignal, tell: (signal: AbortSignal) => void) {
  tell(signal);
  yield { kind: 'first' };
  await new Promise(() => {});
}

describe('streams over every protocol', () => {
  let server: Listener;
  let clients: Record<string, Client<typeof Machines>>;

  before(async () => {
    server = await openTestRpcServer({
      machines: {
        async *watch({ afterEventId, vmIds }) {
          for (const [at, vmId] of vmIds.entries()) {
            const eventId = (afterEventId ?? 0n) + BigInt(at) + 1n;
            yield { eventId, vmId, state: VmState.RUNNING };
          }
          if (vmIds.length === 0) return;
          throw new DroverError('data_loss', 'events before 7 are gone', { reason: 'TOO_OLD' });
        },
      },
    });
    clients = Object.fromEntries(
      Object.entries(createTransports(server.url)).map(([name, transport]) => [
        name,
        createClient(Machines, transport),
      ]),
    );
  });
  after(() => server[Symbol.asyncDispose]());

  for (const name of TRANSPORTS) {
    it(`carries messages and then the error over ${name}`, async () => {
      const messages = clients[name]?.watch({ afterEventId: 5n, vmIds: ['a', 'b'] }, { headers });
      assert.ok(messages !== undefined);
      const seen: unknown[] = [];
      const failure = await failureOf(
        (async function* () {
          for await (const { eventId, vmId, state } of messages) {
            seen.push([eventId, vmId, state]);
            yield undefined;
          }
        })(),
      );
      assert.deepEqual(seen, [
        [6n, 'a', VmState.RUNNING],
        [7n, 'b', VmState.RUNNING],
      ]);
      assert.equal(failure.code, Code.DataLoss);
      assert.equal(failure.findDetails(ErrorInfoSchema)[0]?.reason, 'TOO_OLD');
    });

    it(`ends a stream without messages over ${name}`, async () => {
      const messages = clients[name]?.watch({}, { headers });
      assert.ok(messages !== undefined);
      assert.deepEqual(await Array.fromAsync(messages), []);
    });

    it(`refuses strangers over ${name}`, async () => {
      const messages = clients[name]?.watch({ vmIds: ['a'] });
      assert.ok(messages !== undefined);
      const failure = await failureOf(messages);
      assert.equal(failure.code, Code.Unauthenticated);
    });
  }

  async function streamJson(body: Uint8Array, extra: Record<string, string> = {}) {
    const response = await fetch(`${server.url}/drover.v1.Machines/Watch`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/connect+json', ...extra },
      body: Buffer.from(body),
    });
    assert.equal(response.headers.get('content-type'), 'application/connect+json');
    const bytes = Buffer.from(await response.arrayBuffer());
    const documents: Record<string, unknown>[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      documents.push(JSON.parse(bytes.toString('utf8', at + 5, end)));
      at = end;
    }
    return documents;
  }

  it('writes the documented JSON inside streams', async () => {
    const request = Buffer.from('{"after_event_id":"5","vmIds":["a"]}');
    const [first, end] = await streamJson(encodeEnvelope(0, request));
    assert.equal(first?.['event_id'], 6);
    assert.equal(first?.['state'], 'VM_STATE_RUNNING');
    assert.equal(first?.['message'], '');
    assert.equal((end?.['error'] as { code: string } | undefined)?.code, 'data_loss');
  });

  it('reads compressed requests inside streams', async () => {
    const request = encodeEnvelope(1, gzipSync('{"vm_ids":["a"]}'));
    const [first] = await streamJson(request, { 'connect-content-encoding': 'gzip' });
    assert.equal(first?.['vm_id'], 'a');
  });

  it('names the field that is wrong, in the end of the stream', async () => {
    const [end] = await streamJson(encodeEnvelope(0, Buffer.from('{"vm_idz":[]}')));
    assert.deepEqual(
      (end?.['error'] as { message: string } | undefined)?.message,
      'vm_idz: unknown field; did you mean vm_ids?',
    );
  });

  it('refuses an encoding that it does not know, in the end of the stream', async () => {
    const request = encodeEnvelope(0, Buffer.from('{}'));
    const [end] = await streamJson(request, { 'connect-content-encoding': 'zstd' });
    assert.equal((end?.['error'] as { code: string } | undefined)?.code, 'unimplemented');
  });
});

describe('streams that nobody reads any more', () => {
  for (const name of TRANSPORTS) {
    it(`are aborted as cancelled when the caller leaves ${name}`, async () => {
      const started = Promise.withResolvers<AbortSignal>();
      await using server = await openTestRpcServer({
        machines: { watch: (_request, { signal }) => sayAndHang(signal, started.resolve) },
      });
      const transport = createTransports(server.url)[name];
      assert.ok(transport !== undefined);
      const leaving = new AbortController();
      const messages = createClient(Machines, transport).watch(
        {},
        { headers, signal: leaving.signal },
      );
      const read = failureOf(messages);
      const signal = await started.promise;
      const aborted = once(signal, 'abort');
      leaving.abort();
      await aborted;
      assert.equal((signal.reason as DroverError).kind, 'cancelled');
      assert.equal((await read).code, Code.Canceled);
    });
  }
});

describe('a server that drains', () => {
  for (const name of TRANSPORTS) {
    it(`ends streams as unavailable over ${name}`, async () => {
      const started = Promise.withResolvers<AbortSignal>();
      await using server = await openTestRpcServer({
        machines: { watch: (_request, { signal }) => sayAndHang(signal, started.resolve) },
      });
      const transport = createTransports(server.url)[name];
      assert.ok(transport !== undefined);
      const messages = createClient(Machines, transport).watch({}, { headers });
      const iterator = messages[Symbol.asyncIterator]();
      assert.equal((await iterator.next()).value?.kind, 'first');
      const signal = await started.promise;
      const drained = server.drain();
      const failure = await failureOf({ [Symbol.asyncIterator]: () => iterator });
      assert.equal(failure.code, Code.Unavailable);
      assert.equal(failure.findDetails(ErrorInfoSchema)[0]?.reason, 'SHUTTING_DOWN');
      assert.equal((signal.reason as DroverError).kind, 'unavailable');
      await drained;
    });
  }
});

describe('deadlines of streams', () => {
  for (const name of TRANSPORTS) {
    it(`end them over ${name}`, async () => {
      const started = Promise.withResolvers<AbortSignal>();
      await using server = await openTestRpcServer({
        machines: { watch: (_request, { signal }) => sayAndHang(signal, started.resolve) },
      });
      const transport = createTransports(server.url)[name];
      assert.ok(transport !== undefined);
      const messages = createClient(Machines, transport).watch({}, { headers, timeoutMs: 100 });
      assert.equal((await failureOf(messages)).code, Code.DeadlineExceeded);
    });
  }
});
