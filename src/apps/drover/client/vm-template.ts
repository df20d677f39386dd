/** What `vm create` makes a machine of: a built image's template, or a file of JSON. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

import { create, fromJson } from '@bufbuild/protobuf';
import type { DescMessage, JsonValue, MessageShape } from '@bufbuild/protobuf';

import type { Invocation } from '#apps/drover/command.ts';
import { loadConfig } from '#apps/drover/config-file.ts';
import { parseSize } from '#apps/drover/config-values.ts';
import { readImage } from '#apps/drover/image/image-directory.ts';
import {
  CpuConfigSchema,
  CreateVmRequestSchema,
  MemoryConfigSchema,
  VmConfigSchema,
} from '#gen/vmprovisioner/v1/vm_pb.js';
import type { CreateVmRequest, VmConfig } from '#gen/vmprovisioner/v1/vm_pb.js';
import { DroverError, invalidArgument, systemErrorCode } from '#kernel/errors.ts';

export async function readCreateRequest(invocation: Invocation): Promise<CreateVmRequest> {
  const [source = ''] = invocation.words;
  const request = isFileName(source)
    ? await readRequestFile(resolve(invocation.env.currentDir, source))
    : create(CreateVmRequestSchema, { config: await readImageConfig(source, invocation) });
  applyOptions(request, invocation.options);
  return request;
}

/** Image names hold no slash, and none ends in .json. */
function isFileName(source: string): boolean {
  return source.includes('/') || source.endsWith('.json');
}

async function readImageConfig(name: string, { options, env }: Invocation): Promise<VmConfig> {
  const { config } = await loadConfig(options.settings(), env);
  let missing: DroverError | undefined;
  for (const directory of config.images.directories) {
    try {
      const image = await readImage(directory, name);
      return parseMessage(VmConfigSchema, toJsonValue(image.config), `image ${name}`);
    } catch (thrown) {
      if (!(thrown instanceof DroverError) || thrown.reason !== 'IMAGE_NOT_FOUND') throw thrown;
      missing ??= thrown;
    }
  }
  throw missing ?? new DroverError('not_found', `there is no image ${name}`);
}

/** A VmConfig, or a whole CreateVmRequest as the API document shows it. */
async function readRequestFile(path: string): Promise<CreateVmRequest> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (thrown) {
    const code = systemErrorCode(thrown);
    const why = thrown instanceof Error ? thrown.message : '';
    throw invalidArgument(
      path,
      code === undefined ? `must be JSON: ${why}` : `cannot be read (${code})`,
    );
  }
  const value = toJsonValue(json);
  const isRequest = typeof value === 'object' && value !== null && 'config' in value;
  if (isRequest) return parseMessage(CreateVmRequestSchema, value, path);
  return create(CreateVmRequestSchema, { config: parseMessage(VmConfigSchema, value, path) });
}

function parseMessage<Desc extends DescMessage>(
  schema: Desc,
  json: JsonValue,
  source: string,
): MessageShape<Desc> {
  try {
    return fromJson(schema, json);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : 'it is malformed';
    throw invalidArgument(source, `does not describe a machine: ${why}`);
  }
}

/** What JSON.parse makes is JSON; this says so to the compiler by building it again. */
function toJsonValue(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(toJsonValue);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, toJsonValue(inner)]),
    );
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  return null;
}

function applyOptions(request: CreateVmRequest, options: Invocation['options']): void {
  const config = (request.config ??= create(VmConfigSchema));
  const id = options.text('id');
  if (id !== undefined) request.vmId = id;
  const customer = options.text('customer');
  if (customer !== undefined) request.customerId = customer;
  const vcpus = options.whole('vcpus', { least: 1, most: 32 });
  if (vcpus !== undefined) (config.cpu ??= create(CpuConfigSchema)).vcpuCount = vcpus;
  const memory = options.text('memory');
  if (memory !== undefined) {
    const bytes = parseSize(memory);
    if (bytes === undefined) {
      throw invalidArgument('--memory', `must be a size such as 512MiB, not ${memory}`);
    }
    (config.memory ??= create(MemoryConfigSchema)).sizeBytes = BigInt(bytes);
  }
  for (const pair of options.list('meta')) {
    const match = /^([^=]+)=(.*)$/s.exec(pair);
    if (match === null) throw invalidArgument('--meta', `must be NAME=VALUE, not ${pair}`);
    config.metadata[match[1] ?? ''] = match[2] ?? '';
  }
  const name = options.text('name');
  if (name !== undefined) config.metadata['name'] = name;
}
