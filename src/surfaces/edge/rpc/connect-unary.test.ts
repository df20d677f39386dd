import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ErrorInfoSchema } from '#gen/google/rpc/error_details_pb.js';
import { CreateVmRequestSchema, GetVmInfoResponseSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { ERROR_KINDS } from '#kernel/errors.ts';
import { HTTP_STATUS, errorKindToCode } from '#surfaces/edge/http-errors.ts';
import type { Listener } from '#surfaces/edge/listener.ts';
import { createLogCapture } from '#test/log-capture.ts';
import { TEST_TOKEN, createEchoVms, openTestRpcServer } from '#test/rpc-server.ts';

const MAX_BYTES = 64 * 1024;

interface Asked {
  readonly headers?: Record<string, string>;
  readonly path?: string;
  readonly method?: string;
}

describe('Connect unary calls', () => {
  let server: Listener;
  const started = Promise.withResolvers<AbortSignal>();

  before(async () => {
    server = await openTestRpcServer({
      maxRequestBytes: MAX_BYTES,
      vms: {
        ...createEchoVms(),
        listVms: () => ({ nextPageToken: 'x'.repeat(4096) }),
        // Never answers and ignores the signal, as a bad implementation would.
        pauseVm: (_request, { signal }) => {
          started.resolve(signal);
          return new Promise(() => {});
        },
      },
    });
  });
  after(() => server[Symbol.asyncDispose]());

  function ask(rpc: string, body: string | Uint8Array, asked: Asked = {}): Promise<Response> {
    const path = asked.path ?? `/vmprovisioner.v1.VmService/${rpc}`;
    return fetch(new URL(path, server.url), {
      method: asked.method ?? 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: TEST_TOKEN,
        ...asked.headers,
      },
      ...(asked.method !== 'GET' && { body: Buffer.from(body) }),
    });
  }

  it('answers curl: no Connect headers, snake_case, numbers, every field there', async () => {
    const response = await ask('GetVmInfo', '{"vm_id":"web-1"}');
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/json');
    const json = (await response.json()) as Record<string, unknown>;
    assert.equal(json['vm_id'], 'web-1');
    assert.equal(json['state'], 'VM_STATE_RUNNING');
    assert.equal(json['customer_id'], 'acme');
    assert.deepEqual(json['backend_info'], {});
  });

  it('answers the same under the later package name', async () => {
    const path = '/metal.vmprovisioner.v1.VmService/GetVmInfo';
    const response = await ask('', '{"vmId":"web-1"}', { path });
    assert.equal(((await response.json()) as { vm_id: string }).vm_id, 'web-1');
  });

  for (const kind of ERROR_KINDS) {
    for (const type of ['application/json', 'application/proto']) {
      it(`answers ${kind} as ${HTTP_STATUS[kind]} with its details to ${type}`, async () => {
        const body =
          type === 'application/json'
            ? `{"vm_id":"${kind}"}`
            : toBinary(CreateVmRequestSchema, create(CreateVmRequestSchema, { vmId: kind }));
        const response = await ask('BootVm', body, { headers: { 'content-type': type } });
        assert.equal(response.status, HTTP_STATUS[kind]);
        assert.equal(response.headers.get('content-type'), 'application/json');
        const json = (await response.json()) as {
          readonly code: string;
          readonly message: string;
          readonly details: readonly Record<string, unknown>[];
        };
        assert.equal(json.code, errorKindToCode(kind));
        assert.equal(json.message, `this is ${kind}: 100 %, ünïcode`);
        const [detail] = json.details;
        const { value, ...documented } = detail ?? {};
        const metadata = { vm_id: kind };
        const info = { reason: 'TESTED', domain: 'metald.unkey.com', metadata };
        assert.deepEqual(documented, {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          type: 'google.rpc.ErrorInfo',
          ...info,
        });
        const decoded = fromBinary(ErrorInfoSchema, Buffer.from(String(value), 'base64'));
        assert.deepEqual(decoded, create(ErrorInfoSchema, info));
        assert.doesNotMatch(String(value), /=/);
      });
    }
  }

  it('says 412 on the wire for a failed precondition', async () => {
    assert.equal((await ask('BootVm', '{"vm_id":"failed_precondition"}')).status, 412);
  });

  it('tells nothing of what it did not expect', async () => {
    const response = await ask('BootVm', '{"vm_id":"x"}');
    assert.equal(response.status, 500);
    const text = await response.text();
    assert.doesNotMatch(text, /secret/);
    assert.match(text, /"code":"internal"/);
  });

  it('answers 501 for a method without an implementation', async () => {
    const response = await ask('DeleteVm', '{}');
    assert.equal(response.status, 501);
    assert.equal(((await response.json()) as { code: string }).code, 'unimplemented');
  });

  it('answers 404 for a method that does not exist, and 405 for GET', async () => {
    assert.equal((await ask('NoSuchRpc', '{}')).status, 404);
    const get = await ask('GetVmInfo', '', { method: 'GET' });
    assert.equal(get.status, 405);
    assert.equal(get.headers.get('allow'), 'POST');
  });

  it('refuses strangers as 401 before it reads what they send', async () => {
    for (const authorization of ['', 'Basic x', 'Bearer nonsense']) {
      const response = await ask('GetVmInfo', '{"bad json', { headers: { authorization } });
      assert.equal(response.status, 401);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.equal(((await response.json()) as { code: string }).code, 'unauthenticated');
    }
  });

  it('names the path of a field that it does not know', async () => {
    const response = await ask('CreateVm', '{"config":{"cpu":{"vcpu_cuont":1}}}');
    assert.equal(response.status, 400);
    const { message } = (await response.json()) as { message: string };
    assert.equal(message, 'config.cpu.vcpu_cuont: unknown field; did you mean vcpu_count?');
  });

  it('calls a malformed binary message the fault of the caller', async () => {
    const headers = { 'content-type': 'application/proto' };
    const response = await ask('CreateVm', Buffer.from('0aff', 'hex'), { headers });
    assert.equal(response.status, 400);
    assert.equal(((await response.json()) as { code: string }).code, 'invalid_argument');
  });

  it('answers binary to binary', async () => {
    const body = toBinary(CreateVmRequestSchema, create(CreateVmRequestSchema, { vmId: 'a' }));
    const headers = { 'content-type': 'application/proto' };
    const response = await ask('GetVmInfo', body, { headers });
    assert.equal(response.headers.get('content-type'), 'application/proto');
    const message = fromBinary(
      GetVmInfoResponseSchema,
      new Uint8Array(await response.arrayBuffer()),
    );
    assert.equal(message.vmId, 'a');
  });

  it('reads gzip, and answers in gzip when asked to and when it is worth it', async () => {
    const headers = { 'content-encoding': 'gzip', 'accept-encoding': 'gzip' };
    const small = await ask('GetVmInfo', gzipSync('{"vm_id":"zip"}'), { headers });
    assert.equal(small.headers.get('content-encoding'), null);
    assert.equal(((await small.json()) as { vm_id: string }).vm_id, 'zip');
    const large = await ask('ListVms', gzipSync('{}'), { headers });
    assert.equal(large.headers.get('content-encoding'), 'gzip');
    assert.ok(Number(large.headers.get('content-length')) < 1000);
    assert.match(await large.text(), /x{4096}/);
  });

  it('refuses more than it reads, declared or not, packed or not', async () => {
    const body = `{"vm_id":"${'x'.repeat(MAX_BYTES)}"}`;
    const packed = gzipSync(body);
    assert.ok(packed.byteLength < 1000);
    const headers = { 'content-encoding': 'gzip' };
    const chunked = fetch(new URL('/vmprovisioner.v1.VmService/GetVmInfo', server.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: TEST_TOKEN },
      body: new Blob([body]).stream(),
      duplex: 'half',
    });
    for (const answer of [ask('GetVmInfo', body), ask('GetVmInfo', packed, { headers }), chunked]) {
      const response = await answer;
      assert.equal(response.status, 429);
      assert.equal(((await response.json()) as { code: string }).code, 'resource_exhausted');
    }
  });

  it('refuses encodings, versions, timeouts and content types that it does not know', async () => {
    for (const [headers, status, text] of [
      [{ 'content-encoding': 'zstd' }, 501, /unknown compression/],
      [{ 'content-encoding': 'gzip' }, 400, /decompress|gzip/i],
      [{ 'connect-protocol-version': '2' }, 400, /must be 1/],
      [{ 'connect-timeout-ms': 'soon' }, 400, /timeout/],
      [{ 'content-type': 'text/plain' }, 415, /application\/json/],
      [{ 'content-type': 'application/json; charset=latin1' }, 415, /application\/json/],
    ] as const) {
      const response = await ask('GetVmInfo', '{}', { headers });
      assert.match(await response.text(), text);
      assert.equal(response.status, status);
    }
  });

  it('takes the headers of a Connect client', async () => {
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'connect-protocol-version': '1',
      'connect-timeout-ms': '9999999999',
    };
    assert.equal((await ask('GetVmInfo', '{}', { headers })).status, 200);
  });

  it('answers at the deadline, and tells the implementation why', async () => {
    const response = await ask('PauseVm', '{}', { headers: { 'connect-timeout-ms': '30' } });
    assert.equal(response.status, 504);
    assert.equal(((await response.json()) as { code: string }).code, 'deadline_exceeded');
    const signal = await started.promise;
    assert.equal((signal.reason as { kind: string }).kind, 'deadline_exceeded');
  });
});

describe('the access log of calls', () => {
  it('holds who called, why it failed, and whole what the caller was not told', async () => {
    const { log, records } = createLogCapture();
    await using server = await openTestRpcServer({ log });
    for (const vmId of ['not_found', 'x']) {
      await fetch(`${server.url}/vmprovisioner.v1.VmService/BootVm`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: TEST_TOKEN },
        body: JSON.stringify({ vm_id: vmId }),
      });
    }
    await server.drain();
    const requests = records().filter(({ msg }) => msg === 'request');
    assert.deepEqual(
      requests.map(({ status, reason, principal }) => [status, reason, principal]),
      [
        [404, 'TESTED', 'customer:acme'],
        [500, 'INTERNAL', 'customer:acme'],
      ],
    );
    const failures = records().filter(({ msg }) => msg === 'call failed');
    assert.equal(failures.length, 1);
    assert.match(JSON.stringify(failures), /secret of x/);
  });
});

describe('a caller who leaves', () => {
  it('aborts the signal of the call as cancelled', async () => {
    const started = Promise.withResolvers<AbortSignal>();
    await using server = await openTestRpcServer({
      vms: {
        pauseVm: (_request, { signal }) => {
          started.resolve(signal);
          const { promise, reject } = Promise.withResolvers<never>();
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          return promise;
        },
      },
    });
    const socket = connect(server.port, '127.0.0.1');
    socket.write(
      'POST /vmprovisioner.v1.VmService/PauseVm HTTP/1.1\r\nHost: x\r\n' +
        `Authorization: ${TEST_TOKEN}\r\nContent-Type: application/json\r\n` +
        'Content-Length: 2\r\n\r\n{}',
    );
    const signal = await started.promise;
    const aborted = once(signal, 'abort');
    socket.destroy();
    await aborted;
    assert.equal((signal.reason as { kind: string }).kind, 'cancelled');
  });
});
