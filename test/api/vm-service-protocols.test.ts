/** One life of a machine over every protocol, each step with the same answer. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { create, toJson, type DescMethodUnary } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import type { Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ErrorInfoSchema } from '#gen/google/rpc/error_details_pb.js';
import { VmService as MetalVmService } from '#gen/metal/vmprovisioner/v1/vm_pb.js';
import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { CUSTOMER, documentedCreateVm, post, type Json } from '#test/api-client.ts';
import { openTestServer, type TestServer } from '#test/drover-server.ts';

const root = join(import.meta.dirname, '../..');
const authorization = `Bearer ${CUSTOMER}`;

/** What a call came to, in one form whatever protocol it went over. */
type Outcome = Json;
/** Calls a method with a request in documented JSON. */
type Caller = (server: TestServer, method: string, request: Json) => Promise<Outcome>;

/** Each step of the life, with those that fail; the ids differ from protocol to protocol. */
const LIFE: readonly (readonly [method: string, request: Json])[] = [
  ['CreateVm', { ...documentedCreateVm(), vm_id: '' }],
  ['CreateVm', documentedCreateVm()],
  ['CreateVm', { config: { cpu: { vcpu_count: 40 } } }],
  ['PauseVm', {}],
  ['BootVm', {}],
  ['BootVm', {}],
  ['GetVmInfo', {}],
  ['PauseVm', {}],
  ['ListVms', { state_filter: ['VM_STATE_PAUSED'], page_size: 1 }],
  ['ResumeVm', {}],
  ['RebootVm', { force: true }],
  ['DeleteVm', {}],
  ['ShutdownVm', { timeout_seconds: 5 }],
  ['DeleteVm', {}],
  ['GetVmInfo', {}],
];

const overCurl: Caller = async (server, method, request) => {
  const path = `/vmprovisioner.v1.VmService/${method}`;
  const { json } = await post(server, path, { body: request, token: CUSTOMER });
  if (json.code === undefined) return json;
  const [{ reason, metadata }] = json.details;
  return { code: json.code, message: json.message, reason, metadata };
};

function overTransport(
  service: typeof VmService | typeof MetalVmService,
  open: (baseUrl: string) => Transport,
): Caller {
  return async ({ url }, name, request) => {
    const method = service.methods.find((each) => each.name === name);
    assert.equal(method?.methodKind, 'unary');
    const unary = method as DescMethodUnary;
    try {
      const headers = { authorization };
      const input = fromDocumented(unary, request);
      const { message } = await open(url).unary(unary, undefined, undefined, headers, input);
      return documented(toJson(unary.output, message, JSON_OPTIONS));
    } catch (thrown) {
      const error = ConnectError.from(thrown);
      const [info] = error.findDetails(ErrorInfoSchema);
      const code = /^\[(\w+)\]/.exec(error.message)?.[1];
      return { code, message: error.rawMessage, reason: info?.reason, metadata: info?.metadata };
    }
  };
}

const JSON_OPTIONS = { useProtoFieldName: true, alwaysEmitImplicit: true };

function fromDocumented(method: DescMethodUnary, request: Json) {
  return create(method.input, camelKeys(request));
}

/** As a program would set the fields: the enum by number, 64-bit integers as bigint. */
function camelKeys(json: Json): Json {
  if (Array.isArray(json)) return json.map((each) => camelKeys(each));
  if (json === 'VM_STATE_PAUSED') return 3;
  if (typeof json !== 'object') return json;
  return Object.fromEntries(
    Object.entries<Json>(json).map(([name, value]) => {
      const camel = name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      const isWide = /^(size_bytes|\w+_per_second|burst_bytes|\w+_millis)$/.test(name);
      return [camel, isWide ? BigInt(value) : camelKeys(value)];
    }),
  );
}

/** Standard JSON writes 64-bit integers as text, and leaves out what is null in ours. */
function documented(json: Json): Json {
  if (Array.isArray(json)) return json.map((each) => documented(each));
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries<Json>(json).map(([name, value]) => {
      const isWide = /(_bytes|_nanos|_seconds|_timestamp|_millis|_per_second)$/.test(name);
      const isWideToo = /^(bytes|packets|read|write|bandwidth|burst|refill)_?(\w+)?$/.test(name);
      const isNumber = (isWide || isWideToo) && typeof value === 'string';
      return [name, isNumber ? Number(value) : documented(value)];
    }),
  );
}

/** A client of other make, which reads the proto files as any client would. */
function overGrpcJs(packageName: 'vmprovisioner' | 'metal.vmprovisioner'): Caller {
  const file = `${packageName.replace('.', '/')}/v1/vm.proto`;
  const service = `${packageName}.v1.VmService`;
  const includeDirs = [join(root, 'proto')];
  const options = { includeDirs, keepCase: true, enums: String, longs: Number, defaults: true };
  const definition = loadSync(file, options)[service] as grpc.ServiceDefinition;
  return async ({ port }, name, request) => {
    const method = definition[name];
    assert.ok(method !== undefined);
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set('authorization', authorization);
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const { path, requestSerialize, responseDeserialize } = method;
    client.makeUnaryRequest(
      ...([path, requestSerialize, responseDeserialize, request, metadata] as const),
      (error, answer) => resolve(error === null ? answer : grpcFailure(error)),
    );
    const outcome = await promise;
    client.close();
    return outcome;
  };
}

function grpcFailure({ code, details, metadata }: grpc.ServiceError): Outcome {
  const name = grpc.status[code]?.toLowerCase();
  const [packed] = metadata.get('grpc-status-details-bin');
  assert.ok(packed instanceof Buffer, 'there are no details');
  const text = packed.toString('latin1');
  const reason = /[A-Z]+(_[A-Z]+)+/.exec(text)?.[0];
  return { code: name, message: details, reason };
}

const http2 = { httpVersion: '2' } as const;
const CALLERS: Readonly<Record<string, Caller>> = {
  'Connect with binary messages': overTransport(VmService, (baseUrl) =>
    createConnectTransport({ baseUrl, ...http2, useBinaryFormat: true }),
  ),
  'Connect with JSON messages': overTransport(VmService, (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: '1.1' }),
  ),
  gRPC: overTransport(VmService, (baseUrl) => createGrpcTransport({ baseUrl })),
  'gRPC-Web': overTransport(VmService, (baseUrl) =>
    createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  ),
  'Connect, the later package': overTransport(MetalVmService, (baseUrl) =>
    createConnectTransport({ baseUrl, ...http2 }),
  ),
  'gRPC, the later package': overTransport(MetalVmService, (baseUrl) =>
    createGrpcTransport({ baseUrl }),
  ),
  'gRPC by @grpc/grpc-js': overGrpcJs('vmprovisioner'),
  'gRPC by @grpc/grpc-js, the later package': overGrpcJs('metal.vmprovisioner'),
};

/** Lives the life and tells what came of each step, free of what differs every time. */
async function live(server: TestServer, caller: Caller): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let vmId = '';
  for (const [method, request] of LIFE) {
    const isCreate = method === 'CreateVm' || method === 'ListVms';
    const outcome = await caller(server, method, isCreate ? request : { vm_id: vmId, ...request });
    vmId ||= outcome.vm_id ?? '';
    outcomes.push([method, ...normal(outcome, vmId)]);
  }
  return outcomes;
}

function normal(outcome: Outcome, vmId: string): Outcome[] {
  const text = JSON.stringify(outcome, (name, value: unknown) => {
    if (/^(created|updated|modified|state_changed)_/.test(name)) return 'time';
    if (/^(cpu_time_nanos|memory_usage_bytes|uptime_seconds|guest_mac|mac_address)$/.test(name)) {
      return typeof value;
    }
    return value === null || name === 'total_count' ? undefined : value;
  });
  return [JSON.parse(text.replaceAll(vmId || 'none', 'ID'))];
}

/** gRPC's other client fills in defaults that ours leave out, and knows no metadata of details. */
function shared(outcomes: readonly Outcome[], pattern: readonly Outcome[]): Outcome[] {
  const pick = (value: Json, like: Json): Json => {
    if (Array.isArray(like)) return like.map((each, at) => pick(value?.[at], each));
    if (typeof like !== 'object') return value;
    const names = Object.keys(like).filter((name) => name !== 'metadata');
    return Object.fromEntries(names.map((name) => [name, pick(value?.[name], like[name])]));
  };
  return pattern.map((each, at) => pick(outcomes[at], each));
}

describe('the nine methods', () => {
  let server: TestServer;
  let expected: Outcome[];
  before(async () => {
    server = await openTestServer();
    await overCurl(server, 'CreateVm', documentedCreateVm());
    expected = await live(server, overCurl);
  });
  after(() => server[Symbol.asyncDispose]());

  it('come to what they should over plain HTTP', () => {
    assert.deepEqual(
      expected.map(([method, { code, state, success }]) => [method, code ?? state ?? success]),
      [
        ['CreateVm', 'VM_STATE_CREATED'],
        ['CreateVm', 'already_exists'],
        ['CreateVm', 'invalid_argument'],
        ['PauseVm', 'failed_precondition'],
        ['BootVm', 'VM_STATE_RUNNING'],
        ['BootVm', 'failed_precondition'],
        ['GetVmInfo', 'VM_STATE_RUNNING'],
        ['PauseVm', 'VM_STATE_PAUSED'],
        ['ListVms', undefined],
        ['ResumeVm', 'VM_STATE_RUNNING'],
        ['RebootVm', 'VM_STATE_RUNNING'],
        ['DeleteVm', 'failed_precondition'],
        ['ShutdownVm', 'VM_STATE_SHUTDOWN'],
        ['DeleteVm', true],
        ['GetVmInfo', 'not_found'],
      ],
    );
  });

  for (const [name, caller] of Object.entries(CALLERS)) {
    it(`come to the same over ${name}`, async () => {
      const outcomes = await live(server, caller);
      if (name.includes('grpc-js')) {
        assert.deepEqual(shared(outcomes, expected), shared(expected, expected));
      } else {
        assert.deepEqual(outcomes, expected);
      }
    });
  }
});

describe('buf curl, which learns the schema from the server', () => {
  let server: TestServer;
  before(async () => {
    server = await openTestServer();
  });
  after(() => server[Symbol.asyncDispose]());

  async function bufCurl(protocol: string, method: string, request: Json): Promise<string> {
    const args = ['curl', '--protocol', protocol, '--http2-prior-knowledge'];
    const header = ['--header', `authorization: ${authorization}`];
    const data = ['--data', JSON.stringify(request)];
    const { stdout } = await promisify(execFile)(
      join(root, 'node_modules/.bin/buf'),
      [...args, ...header, ...data, `${server.url}/${method}`],
      { cwd: root },
    );
    return stdout;
  }

  for (const protocol of ['connect', 'grpc', 'grpcweb']) {
    it(`creates, boots and looks at a machine over ${protocol}`, async () => {
      const service = 'vmprovisioner.v1.VmService';
      const request = { ...documentedCreateVm(), vm_id: `by-${protocol}` };
      const created = JSON.parse(await bufCurl(protocol, `${service}/CreateVm`, request));
      assert.deepEqual(created, { vmId: `by-${protocol}`, state: 'VM_STATE_CREATED' });
      const named = { vm_id: `by-${protocol}` };
      assert.match(await bufCurl(protocol, `metal.${service}/BootVm`, named), /"success":\s?true/);
      const info = JSON.parse(await bufCurl(protocol, `${service}/GetVmInfo`, named));
      assert.equal(info.config.storage[0].pathOnHost, '/assets/rootfs.ext4');
      const failed = bufCurl(protocol, `${service}/BootVm`, named);
      await assert.rejects(failed, /failed_precondition[^]*google\.rpc\.ErrorInfo/);
    });
  }

  it('asks the standard health service', async () => {
    const request = { service: 'vmprovisioner.v1.VmService' };
    const said = await bufCurl('grpc', 'grpc.health.v1.Health/Check', request);
    assert.match(said, /"status":\s?"SERVING"/);
    const unknown = bufCurl('grpc', 'grpc.health.v1.Health/Check', { service: 'none' });
    await assert.rejects(unknown, /not_found/);
  });
});
