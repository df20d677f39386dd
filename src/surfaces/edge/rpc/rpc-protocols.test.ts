import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import type { Client, Transport } from '@connectrpc/connect';
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ErrorInfoSchema } from '#gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '#gen/google/rpc/status_pb.js';
import { VmService as MetalVmService } from '#gen/metal/vmprovisioner/v1/vm_pb.js';
import { VmService, VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { ERROR_KINDS } from '#kernel/errors.ts';
import { errorKindToCode } from '#surfaces/edge/http-errors.ts';
import type { Listener } from '#surfaces/edge/listener.ts';
import { TEST_TOKEN, createEchoVms, openTestRpcServer } from '#test/rpc-server.ts';

type VmClient = Client<typeof VmService>;

const headers = { authorization: TEST_TOKEN };
const proto = join(import.meta.dirname, '../../../../proto');

/** Each protocol, over each version of HTTP and in each form of message that it comes in. */
function createTransports(baseUrl: string): Record<string, Transport> {
  const httpVersion = '2';
  const acceptCompression = [compressionGzip];
  return {
    'Connect JSON, HTTP/1.1': createConnectTransport({ baseUrl, httpVersion: '1.1' }),
    'Connect JSON, HTTP/2': createConnectTransport({ baseUrl, httpVersion }),
    'Connect binary, HTTP/1.1': createConnectTransport({
      baseUrl,
      httpVersion: '1.1',
      useBinaryFormat: true,
    }),
    'Connect binary, HTTP/2': createConnectTransport({
      baseUrl,
      httpVersion,
      useBinaryFormat: true,
    }),
    'Connect JSON, gzip both ways': createConnectTransport({
      baseUrl,
      httpVersion,
      acceptCompression,
      sendCompression: compressionGzip,
      compressMinBytes: 1,
    }),
    'gRPC, HTTP/2': createGrpcTransport({ baseUrl }),
    'gRPC with JSON messages': createGrpcTransport({ baseUrl, useBinaryFormat: false }),
    'gRPC-Web, HTTP/1.1': createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
    'gRPC-Web, HTTP/2': createGrpcWebTransport({ baseUrl, httpVersion }),
  };
}

const TRANSPORTS = Object.keys(createTransports('http://127.0.0.1:1'));

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (thrown) {
    return ConnectError.from(thrown);
  }
  return assert.fail('the call succeeded');
}

describe('one implementation over every protocol', () => {
  let server: Listener;
  let clients: Record<string, VmClient>;
  let metal: Record<string, Client<typeof MetalVmService>>;

  before(async () => {
    server = await openTestRpcServer();
    const transports = Object.entries(createTransports(server.url));
    clients = Object.fromEntries(transports.map(([name, t]) => [name, createClient(VmService, t)]));
    metal = Object.fromEntries(
      transports.map(([name, t]) => [name, createClient(MetalVmService, t)]),
    );
  });
  after(() => server[Symbol.asyncDispose]());

  for (const name of TRANSPORTS) {
    it(`answers over ${name}`, async () => {
      const answer = await clients[name]?.getVmInfo({ vmId: 'web-1' }, { headers });
      assert.equal(answer?.vmId, 'web-1');
      assert.equal(answer?.state, VmState.RUNNING);
      const again = await metal[name]?.getVmInfo({ vmId: 'web-2' }, { headers });
      assert.equal(again?.vmId, 'web-2');
    });

    it(`carries every kind of error with its details over ${name}`, async () => {
      for (const kind of ERROR_KINDS) {
        const error = await failureOf(
          clients[name]?.bootVm({ vmId: kind }, { headers }) ?? Promise.resolve(),
        );
        assert.equal(error.message, `[${errorKindToCode(kind)}] this is ${kind}: 100 %, ünïcode`);
        const [info] = error.findDetails(ErrorInfoSchema);
        assert.equal(info?.reason, 'TESTED');
        assert.equal(info?.domain, 'metald.unkey.com');
        assert.deepEqual(info?.metadata, { vm_id: kind });
      }
    });

    it(`refuses strangers over ${name}`, async () => {
      const error = await failureOf(clients[name]?.getVmInfo({}) ?? Promise.resolve());
      assert.equal(error.code, Code.Unauthenticated);
      assert.equal(error.findDetails(ErrorInfoSchema)[0]?.reason, 'MISSING_TOKEN');
    });

    it(`says unimplemented over ${name}`, async () => {
      const error = await failureOf(clients[name]?.listVms({}, { headers }) ?? Promise.resolve());
      assert.equal(error.code, Code.Unimplemented);
    });
  }
});

interface GrpcAnswer {
  readonly error: grpc.ServiceError | null;
  readonly answer: Record<string, unknown> | undefined;
}

/** A gRPC client of other make, which reads the proto files as any client would. */
function callGrpc(
  server: Listener,
  call: { readonly package: 'vm' | 'metal'; readonly rpc: string; readonly vmId: string },
  authorization?: string,
): Promise<GrpcAnswer> {
  const file =
    call.package === 'vm' ? 'vmprovisioner/v1/vm.proto' : 'metal/vmprovisioner/v1/vm.proto';
  const definition = loadSync(file, { includeDirs: [proto], keepCase: true, enums: String });
  const service =
    call.package === 'vm' ? 'vmprovisioner.v1.VmService' : 'metal.vmprovisioner.v1.VmService';
  const method = (definition[service] as grpc.ServiceDefinition)[call.rpc];
  assert.ok(method !== undefined);
  const client = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  const { promise, resolve } = Promise.withResolvers<GrpcAnswer>();
  client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    { vm_id: call.vmId },
    metadata,
    (error, answer) => {
      client.close();
      resolve({ error, answer: answer as GrpcAnswer['answer'] });
    },
  );
  return promise;
}

describe('a client made with grpc-js and the proto files', () => {
  let server: Listener;
  before(async () => {
    server = await openTestRpcServer();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const which of ['vm', 'metal'] as const) {
    it(`is answered under ${which}`, async () => {
      const call = { package: which, rpc: 'GetVmInfo', vmId: 'g-1' };
      const { error, answer } = await callGrpc(server, call, TEST_TOKEN);
      assert.equal(error, null);
      assert.equal(answer?.['vm_id'], 'g-1');
      assert.equal(answer?.['state'], 'VM_STATE_RUNNING');
    });
  }

  it('finds the details of an error in the trailers', async () => {
    const call = { package: 'vm', rpc: 'BootVm', vmId: 'failed_precondition' } as const;
    const { error } = await callGrpc(server, call, TEST_TOKEN);
    assert.equal(error?.code, grpc.status.FAILED_PRECONDITION);
    assert.equal(error?.details, 'this is failed_precondition: 100 %, ünïcode');
    const [bytes] = error?.metadata.get('grpc-status-details-bin') ?? [];
    assert.ok(Buffer.isBuffer(bytes));
    const status = fromBinary(StatusSchema, bytes);
    assert.equal(status.code, 9);
    assert.equal(status.details[0]?.typeUrl, 'type.googleapis.com/google.rpc.ErrorInfo');
    const info = fromBinary(ErrorInfoSchema, status.details[0]?.value ?? new Uint8Array());
    assert.equal(info.reason, 'TESTED');
  });

  it('is told status 16 without a token', async () => {
    const call = { package: 'vm', rpc: 'GetVmInfo', vmId: 'x' } as const;
    const { error } = await callGrpc(server, call);
    assert.equal(error?.code, grpc.status.UNAUTHENTICATED);
  });

  it('is told that an unknown service is unimplemented', async () => {
    const client = new grpc.Client(`127.0.0.1:${server.port}`, grpc.credentials.createInsecure());
    const { promise, resolve } = Promise.withResolvers<grpc.ServiceError | null>();
    const same = (bytes: Buffer) => bytes;
    client.makeUnaryRequest('/no.such.v1.Thing/Do', same, same, Buffer.alloc(0), (error) =>
      resolve(error),
    );
    assert.equal((await promise)?.code, grpc.status.UNIMPLEMENTED);
    client.close();
  });
});

describe('a client generated from the original fields alone', () => {
  it('is understood, and skips the fields it does not know', async () => {
    await using server = await openTestRpcServer({
      vms: {
        ...createEchoVms(),
        createVm: (request) => {
          const device = request.config?.storage[0];
          const isOriginal = device?.id === 'root' && device.deviceId === undefined;
          return { vmId: isOriginal ? `seen-${request.config?.memory?.sizeBytes}` : 'lost' };
        },
        listVms: () => ({
          vms: [{ vmId: 'a', memorySizeBytes: 5n, customerId: 'acme', createdAt: 'new field' }],
          totalCount: 7,
        }),
      },
    });
    // As the original's code would encode it: numbers and wire types, no names.
    const memory = new BinaryWriter().tag(1, WireType.Varint).int64(134217728n).finish();
    const storage = new BinaryWriter()
      .tag(1, WireType.LengthDelimited)
      .string('root')
      .tag(2, WireType.LengthDelimited)
      .string('/assets/rootfs.ext4')
      .finish();
    const config = new BinaryWriter()
      .tag(2, WireType.LengthDelimited)
      .bytes(memory)
      .tag(4, WireType.LengthDelimited)
      .bytes(storage)
      .finish();
    const request = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(config).finish();
    const created = new BinaryReader(await postBinary(server, 'CreateVm', request));
    assert.deepEqual(created.tag(), [1, WireType.LengthDelimited]);
    assert.equal(created.string(), 'seen-134217728');

    const list = new BinaryReader(await postBinary(server, 'ListVms', new Uint8Array()));
    assert.deepEqual(list.tag(), [1, WireType.LengthDelimited]);
    const vm = new BinaryReader(list.bytes());
    const known = new Map<number, unknown>();
    while (vm.pos < vm.len) {
      const [number, type] = vm.tag();
      if (number === 1 || number === 8) known.set(number, vm.string());
      else if (number === 4) known.set(number, vm.int64());
      else vm.skip(type);
    }
    assert.deepEqual(
      [...known],
      [
        [1, 'a'],
        [4, 5n],
        [8, 'acme'],
      ],
    );
    assert.deepEqual(list.tag(), [3, WireType.Varint]);
    assert.equal(list.int32(), 7);
  });
});

async function postBinary(server: Listener, rpc: string, body: Uint8Array): Promise<Uint8Array> {
  const response = await fetch(`${server.url}/vmprovisioner.v1.VmService/${rpc}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/proto' },
    body: Buffer.from(body),
  });
  assert.equal(response.status, 200);
  return new Uint8Array(await response.arrayBuffer());
}
