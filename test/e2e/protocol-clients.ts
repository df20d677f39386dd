/**
 * One client per protocol that the API speaks, each by another library, behind one interface:
 * requests and answers are the documented JSON.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { create, fromJson, toJson, type DescMethodUnary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import type { Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

import { ConsoleRequestSchema, Machines } from '#gen/drover/v1/machines_pb.js';
import { VmService } from '#gen/vmprovisioner/v1/vm_pb.js';
import { ask, CUSTOMER, MACHINES, VM_SERVICE, type Json } from '#test/api-client.ts';

export interface ProtocolClient extends Disposable {
  call(method: string, request: Json): Promise<Json>;
  /** What the guest writes from the beginning on, and what it will write. */
  console(vmId: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

const ROOT = join(import.meta.dirname, '../..');
const BUF = join(ROOT, 'node_modules/.bin/buf');
const headers = { authorization: `Bearer ${CUSTOMER}` };

export const PROTOCOLS: Readonly<Record<string, (url: string) => ProtocolClient>> = {
  'Connect with JSON, by fetch': fetchClient,
  'Connect with binary messages, by connect-node': (baseUrl) =>
    transportClient(createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true })),
  'gRPC, by grpc-js': grpcClient,
  'gRPC-Web, by connect-node': (baseUrl) =>
    transportClient(createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })),
  'gRPC by reflection, by buf curl': (url) => bufClient(url, ['--protocol', 'grpc']),
  'Connect with the published proto, by buf curl': (url) =>
    bufClient(url, ['--protocol', 'connect', '--schema', join(ROOT, 'proto')]),
};

function fetchClient(url: string): ProtocolClient {
  return {
    call: (method, request) => ask({ url }, method, request),
    async *console(vmId, signal) {
      const message = Buffer.from(JSON.stringify({ vm_id: vmId, follow: true }));
      const response = await fetch(`${url}/${MACHINES}/Console`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/connect+json' },
        body: envelope(message),
        signal,
      });
      assert.ok(response.body);
      let waiting = Buffer.alloc(0);
      for await (const chunk of response.body) {
        waiting = Buffer.concat([waiting, chunk]);
        while (waiting.length >= 5 && waiting.length >= 5 + waiting.readUInt32BE(1)) {
          const end = 5 + waiting.readUInt32BE(1);
          const json = JSON.parse(waiting.toString('utf8', 5, end));
          if (typeof json.data === 'string') yield Buffer.from(json.data, 'base64');
          waiting = waiting.subarray(end);
        }
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

function envelope(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function transportClient(transport: Transport): ProtocolClient {
  return {
    async call(method, request) {
      const description = VmService.methods.find(
        (known): known is DescMethodUnary => known.name === method,
      );
      assert.ok(description);
      const message = fromJson(description.input, request);
      const head = new Headers(headers);
      const args = [undefined, undefined, head, message] as const;
      const answer = await transport.unary(description, ...args);
      return toJson(description.output, answer.message, { useProtoFieldName: true });
    },
    async *console(vmId, signal) {
      const request = create(ConsoleRequestSchema, { vmId, follow: true });
      const client = createClient(Machines, transport);
      for await (const { data } of client.console(request, { headers, signal })) yield data;
    },
    [Symbol.dispose]: () => undefined,
  };
}

function grpcClient(url: string): ProtocolClient {
  const files = ['vmprovisioner/v1/vm.proto', 'drover/v1/machines.proto'];
  const options = { includeDirs: [join(ROOT, 'proto')], keepCase: true, longs: Number };
  const loaded = grpc.loadPackageDefinition(loadSync(files, { ...options, enums: String }));
  const open = (service: string): Json => {
    const Client = service.split('.').reduce((at: Json, name) => at[name], loaded);
    return new Client(new URL(url).host, grpc.credentials.createInsecure());
  };
  const vms = open(VM_SERVICE);
  const machines = open(MACHINES);
  const metadata = new grpc.Metadata();
  metadata.set('authorization', headers.authorization);
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        vms[method](request, metadata, (error: Error | null, answer: Json) =>
          error === null ? resolve(answer) : reject(error),
        );
      }),
    async *console(vmId, signal) {
      const stream = machines.Console({ vm_id: vmId, follow: true }, metadata);
      signal.addEventListener('abort', () => stream.cancel());
      for await (const { data } of stream) yield data;
    },
    [Symbol.dispose]() {
      vms.close();
      machines.close();
    },
  };
}

/** The program as its users run it; it knows nothing of this code base but what the server says. */
function bufClient(url: string, protocol: readonly string[]): ProtocolClient {
  const args = (path: string, request: Json) => [
    ...['curl', ...protocol, '--http2-prior-knowledge', '-H', `authorization: Bearer ${CUSTOMER}`],
    ...['-d', JSON.stringify(request), `${url}/${path}`],
  ];
  return {
    async call(method, request) {
      const command = args(`${VM_SERVICE}/${method}`, request);
      const { stdout } = await promisify(execFile)(BUF, command);
      return toSnakeCase(stdout.trim() === '' ? {} : JSON.parse(stdout));
    },
    async *console(vmId, signal) {
      const command = args(`${MACHINES}/Console`, { vm_id: vmId, follow: true });
      const child = spawn(BUF, command, { stdio: ['ignore', 'pipe', 'ignore'] });
      signal.addEventListener('abort', () => child.kill());
      let text = '';
      for await (const line of createInterface({ input: child.stdout })) {
        text += line;
        // Each message is printed over several lines, the last of them a lone bracket.
        if (line !== '}') continue;
        const { data } = JSON.parse(text);
        if (typeof data === 'string') yield Buffer.from(data, 'base64');
        text = '';
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

function toSnakeCase(value: Json): Json {
  if (Array.isArray(value)) return value.map(toSnakeCase);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    toSnakeCase(inner),
  ]);
  return Object.fromEntries(entries);
}
