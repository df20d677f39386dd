import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { Machines } from '#gen/drover/v1/machines_pb.js';
import { ServerReflection } from '#gen/grpc/reflection/v1/reflection_pb.js';
import { ServerReflection as V1Alpha } from '#gen/grpc/reflection/v1alpha/reflection_pb.js';
import type { Listener } from '#surfaces/edge/listener.ts';
import { TEST_TOKEN, openTestRpcServer } from '#test/rpc-server.ts';
import { SchemaIndex } from './reflection.ts';

const execFileAsync = promisify(execFile);
const root = join(import.meta.dirname, '../../../..');
const index = new SchemaIndex([Machines]);

function filesFor(symbol: string): string[] {
  const answer = index.answer({ case: 'fileContainingSymbol', value: symbol });
  if (answer.case !== 'fileDescriptorResponse') return [];
  const files = answer.value.fileDescriptorProto ?? [];
  return files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

describe('the schema index', () => {
  it('finds the file of services, methods, messages, fields and enums, with its imports', () => {
    const both = ['drover/v1/machines.proto', 'vmprovisioner/v1/vm.proto'];
    assert.deepEqual(filesFor('drover.v1.Machines'), both);
    assert.deepEqual(filesFor('drover.v1.Machines.Watch'), both);
    assert.deepEqual(filesFor('drover.v1.WatchResponse.reason'), both);
    assert.deepEqual(filesFor('vmprovisioner.v1.VmState'), both.slice(1));
  });

  it('says not found for what is not there', () => {
    for (const value of ['', 'Nope', 'drover.v1.Machines.Nope', 'drover.v1.WatchResponse.nope']) {
      const answer = index.answer({ case: 'fileContainingSymbol', value });
      assert.equal(answer.case, 'errorResponse');
      assert.equal(answer.value?.errorCode, Code.NotFound);
    }
    const file = index.answer({ case: 'fileByFilename', value: 'nope.proto' });
    assert.equal(file.case, 'errorResponse');
  });

  it('finds files by name', () => {
    const answer = index.answer({ case: 'fileByFilename', value: 'vmprovisioner/v1/vm.proto' });
    assert.equal(answer.case, 'fileDescriptorResponse');
  });

  it('knows that there are no extensions', () => {
    const value = 'drover.v1.WatchRequest';
    const numbers = index.answer({ case: 'allExtensionNumbersOfType', value });
    assert.equal(numbers.case, 'allExtensionNumbersResponse');
    const one = index.answer({
      case: 'fileContainingExtension',
      value: {
        $typeName: 'grpc.reflection.v1.ExtensionRequest',
        containingType: value,
        extensionNumber: 1,
      },
    });
    assert.equal(one.case, 'errorResponse');
  });
});

describe('reflection on the wire', () => {
  let server: Listener;
  before(async () => {
    server = await openTestRpcServer();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const service of [ServerReflection, V1Alpha]) {
    it(`lists the services to anyone through ${service.typeName}`, async () => {
      const client = createClient(service, createGrpcTransport({ baseUrl: server.url }));
      const question = { messageRequest: { case: 'listServices' as const, value: '' } };
      const answers = client.serverReflectionInfo(
        (async function* () {
          yield question;
        })(),
      );
      for await (const { messageResponse } of answers) {
        assert.equal(messageResponse.case, 'listServicesResponse');
        assert.deepEqual(
          messageResponse.value?.service.map(({ name }: { name: string }) => name),
          [
            'drover.v1.Machines',
            'grpc.reflection.v1.ServerReflection',
            'grpc.reflection.v1alpha.ServerReflection',
            'metal.vmprovisioner.v1.VmService',
            'vmprovisioner.v1.VmService',
          ],
        );
      }
    });
  }

  async function bufCurl(rpc: string, args: readonly string[], data: string) {
    const { stdout } = await execFileAsync(
      join(root, 'node_modules/.bin/buf'),
      [
        'curl',
        ...args,
        '--header',
        `authorization: ${TEST_TOKEN}`,
        '--data',
        data,
        `${server.url}/${rpc}`,
      ],
      { cwd: '/' },
    );
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  for (const reflect of ['grpc-v1', 'grpc-v1alpha']) {
    for (const protocol of ['grpc', 'grpcweb', 'connect']) {
      it(`lets buf curl call over ${protocol} without a schema, by ${reflect}`, async () => {
        const args = [
          ...['--protocol', protocol, '--http2-prior-knowledge'],
          ...['--reflect', '--reflect-protocol', reflect],
        ];
        const rpc = 'metal.vmprovisioner.v1.VmService/GetVmInfo';
        const answer = await bufCurl(rpc, args, '{"vm_id":"buf-1"}');
        assert.equal(answer['vmId'], 'buf-1');
      });
    }
  }

  it('lets buf curl call over HTTP/1.1 with the proto files', async () => {
    const args = ['--protocol', 'connect', '--schema', join(root, 'proto')];
    const answer = await bufCurl('vmprovisioner.v1.VmService/GetVmInfo', args, '{"vmId":"buf-2"}');
    assert.equal(answer['vmId'], 'buf-2');
  });
});
