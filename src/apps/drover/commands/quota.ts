import { create } from '@bufbuild/protobuf';

import { openApiClient } from '#apps/drover/client/api-client.ts';
import { messageToPlain } from '#apps/drover/client/plain-message.ts';
import { SERVER_OPTIONS } from '#apps/drover/client/server-target.ts';
import { formatTable } from '#apps/drover/client/text-table.ts';
import { JSON_OPTION } from '#apps/drover/command.ts';
import type { Command, Invocation, OptionValues } from '#apps/drover/command.ts';
import { parseSize } from '#apps/drover/config-values.ts';
import { GetQuotaResponseSchema, QuotaLimitsSchema } from '#gen/drover/v1/machines_pb.js';
import type {
  GetQuotaResponse,
  QuotaLimits,
  SetQuotaResponse,
} from '#gen/drover/v1/machines_pb.js';
import { invalidArgument } from '#kernel/errors.ts';
import { formatBytes } from '#kernel/units.ts';

type Quota = Pick<GetQuotaResponse | SetQuotaResponse, 'customerId' | 'limits' | 'use'>;

export const quotaGet: Command = {
  name: 'quota get',
  group: 'Access',
  usage: '[CUSTOMER]',
  summary: 'Show what a customer may have, and has',
  options: { ...SERVER_OPTIONS, ...JSON_OPTION },
  examples: ['drover quota get acme'],
  words: { least: 0, most: 1 },
  async run(invocation) {
    const [customerId = ''] = invocation.words;
    const api = await openApiClient(invocation, customerId === '' ? 'customer' : 'operator');
    const { signal } = invocation;
    await print(await api.call(api.machines.getQuota({ customerId }, { signal })), invocation);
  },
};

export const quotaSet: Command = {
  name: 'quota set',
  group: 'Access',
  usage: 'CUSTOMER',
  summary: 'Change what a customer may have (for operators)',
  details: ['Limits that are not named stay as they are. `unlimited` takes a limit away.'],
  options: {
    machines: { kind: 'text', argument: 'N|unlimited', doc: 'How many machines.' },
    vcpus: { kind: 'text', argument: 'N|unlimited', doc: 'vCPUs of all of them together.' },
    memory: { kind: 'text', argument: 'SIZE|unlimited', doc: 'Memory of all of them together.' },
    ...SERVER_OPTIONS,
    ...JSON_OPTION,
  },
  examples: ['drover quota set acme --machines 20 --memory 64GiB'],
  words: { least: 1, most: 1 },
  async run(invocation) {
    const { words, options, signal } = invocation;
    const [customerId = ''] = words;
    const api = await openApiClient(invocation, 'operator');
    const now = await api.call(api.machines.getQuota({ customerId }, { signal }));
    const limits = changeLimits(now.limits, options);
    await print(
      await api.call(api.machines.setQuota({ customerId, limits }, { signal })),
      invocation,
    );
  },
};

function changeLimits(now: QuotaLimits | undefined, options: OptionValues): QuotaLimits {
  const limits = create(QuotaLimitsSchema, { ...now });
  const machines = readLimit(options, 'machines', parseCount);
  const vcpus = readLimit(options, 'vcpus', parseCount);
  const memory = readLimit(options, 'memory', parseSize);
  if (machines === undefined && vcpus === undefined && memory === undefined) {
    throw invalidArgument('--machines', 'or --vcpus or --memory must be given');
  }
  if (machines !== undefined) limits.maxMachines = machines.most;
  if (vcpus !== undefined) limits.maxVcpus = vcpus.most;
  if (memory !== undefined) limits.maxMemoryBytes = memory.most;
  return limits;
}

/** Undefined: not named. `most` undefined: no limit. */
function readLimit(
  options: OptionValues,
  name: string,
  parse: (text: string) => number | undefined,
): { readonly most: bigint | undefined } | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  if (text === 'unlimited') return { most: undefined };
  const value = parse(text);
  if (value !== undefined) return { most: BigInt(value) };
  throw invalidArgument(`--${name}`, `must be a number or unlimited, not ${text}`);
}

function parseCount(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

async function print(quota: Quota, { options, terminal }: Invocation): Promise<void> {
  const { customerId, limits, use } = quota;
  if (options.flag('json')) {
    const message = create(GetQuotaResponseSchema, {
      customerId,
      ...(limits === undefined ? {} : { limits }),
      ...(use === undefined ? {} : { use }),
    });
    const plain = messageToPlain(GetQuotaResponseSchema, message);
    await terminal.write(`${JSON.stringify(plain)}\n`);
    return;
  }
  const count = (value: bigint | undefined) => (value === undefined ? 'unlimited' : String(value));
  const size = (value: bigint | undefined) =>
    value === undefined ? 'unlimited' : formatBytes(Number(value));
  await terminal.write(
    formatTable(
      [customerId, 'USED', 'LIMIT'],
      [
        ['machines', count(use?.machines ?? 0n), count(limits?.maxMachines)],
        ['vcpus', count(use?.vcpus ?? 0n), count(limits?.maxVcpus)],
        ['memory', size(use?.memoryBytes ?? 0n), size(limits?.maxMemoryBytes)],
      ],
    ),
  );
}
