/**
 * The limits on what a machine may be, shared by every surface that accepts one. Each rule takes
 * the name the caller used for the field and refuses by it, saying what would be right.
 */
import { createHash } from 'node:crypto';
import { invalidArgument } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import { MIB } from '#kernel/units.ts';
import {
  CPU_TEMPLATES,
  type CpuTemplate,
  type CpuTopology,
  type RateLimit,
} from './machine-spec.ts';

const MOST_VCPUS = 32;
const LEAST_MEMORY_MIB = 128;
const MOST_MEMORY_MIB = 512 * 1024;
export const MOST_DISKS = 16;
export const MOST_NICS = 8;
export const DEFAULT_TIMEOUT_SECONDS = 30;
const MOST_TIMEOUT_SECONDS = 3600;
const MOST_METADATA_ENTRIES = 64;
const MOST_METADATA_VALUE = 1024;
const MOST_KERNEL_ARGS = 2048;

const DEVICE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,35}$/;
const METADATA_KEY = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;
const FEATURE = /^[a-z0-9][a-z0-9_.-]{0,31}$/;

export function parseVcpus(field: string, count: number): number {
  if (count >= 1 && count <= MOST_VCPUS) return count;
  throw invalidArgument(field, `must be from 1 to ${MOST_VCPUS}, got ${count}`);
}

export function parseMaxVcpus(field: string, max: number, vcpus: number): number {
  if (max === 0) return vcpus;
  if (max >= vcpus && max <= MOST_VCPUS) return max;
  throw invalidArgument(
    field,
    `must be 0 (the same as vcpu_count) or from ${vcpus} to ${MOST_VCPUS}, got ${max}`,
  );
}

export function parseTopology(field: string, given: CpuTopology, maxVcpus: number): CpuTopology {
  for (const [name, value] of [
    ['sockets', given.sockets],
    ['cores_per_socket', given.coresPerSocket],
    ['threads_per_core', given.threadsPerCore],
  ] as const) {
    if (value < 1) throw invalidArgument(`${field}.${name}`, `must be 1 or more, got ${value}`);
  }
  const product = given.sockets * given.coresPerSocket * given.threadsPerCore;
  if (product === maxVcpus) return given;
  throw invalidArgument(
    field,
    `sockets × cores × threads must be the most vCPUs, ${maxVcpus}, but make ${product}`,
  );
}

export function parseCpuTemplate(field: string, text: string): CpuTemplate | undefined {
  if (text === '') return undefined;
  const template = CPU_TEMPLATES.find((name) => name === text);
  if (template !== undefined) return template;
  throw invalidArgument(field, `must be one of ${CPU_TEMPLATES.join(', ')}, got ${quote(text)}`);
}

export function parseCpuFeatures(
  field: string,
  features: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(features)) {
    if (!FEATURE.test(name)) {
      throw invalidArgument(`${field}[${quote(name)}]`, 'is not the name of a CPU feature');
    }
    if (value !== 'on' && value !== 'off') {
      throw invalidArgument(`${field}.${name}`, `must be on or off, got ${quote(value)}`);
    }
  }
  return features;
}

export function parseMemoryMib(field: string, sizeBytes: bigint): number {
  const mib = Number(sizeBytes / BigInt(MIB));
  if (sizeBytes % BigInt(MIB) !== 0n) {
    throw invalidArgument(field, `must be a whole number of MiB (1048576), got ${sizeBytes}`);
  }
  if (mib >= LEAST_MEMORY_MIB && mib <= MOST_MEMORY_MIB) return mib;
  throw invalidArgument(
    field,
    `must be from ${LEAST_MEMORY_MIB} MiB (134217728) to ${MOST_MEMORY_MIB} MiB, got ${sizeBytes}`,
  );
}

/** A device id ends up in the hypervisor's command line and in file names. */
export function parseDeviceId(field: string, id: string, taken: Set<string>): string {
  if (id === '') throw invalidArgument(field, 'is required');
  if (!DEVICE_ID.test(id)) {
    throw invalidArgument(field, "must be 1 to 36 letters, digits, '-' or '_'");
  }
  if (taken.has(id)) throw invalidArgument(field, `${quote(id)} is used twice; ids must differ`);
  taken.add(id);
  return id;
}

export function parseMac(field: string, text: string): string {
  const mac = text.toLowerCase();
  if (!MAC.test(mac)) {
    throw invalidArgument(field, "must be 'auto' or six hex pairs like 02:00:5e:10:00:01");
  }
  if (Number.parseInt(mac.slice(0, 2), 16) % 2 === 1) {
    throw invalidArgument(field, 'is a multicast address; the first pair must be even');
  }
  if (mac === '00:00:00:00:00:00') throw invalidArgument(field, 'must not be all zeros');
  return mac;
}

/** The same machine and NIC always get the same address, also on another host. */
export function createMac(machineId: MachineId, nicId: string): string {
  const digest = createHash('sha256').update(`${machineId}/${nicId}`).digest('hex');
  const pairs = digest.slice(0, 10).match(/../g) ?? [];
  return ['02', ...pairs].join(':');
}

export function parseKernelArgs(field: string, text: string): string {
  if (text.length > MOST_KERNEL_ARGS) {
    throw invalidArgument(field, `must be at most ${MOST_KERNEL_ARGS} characters`);
  }
  if (!/^[\x20-\x7e]*$/.test(text)) {
    throw invalidArgument(field, 'must be one line of printable ASCII');
  }
  return text;
}

/** How the caller named the parts of a rate limit. */
export interface RateLimitFields {
  readonly bandwidth: string;
  readonly burst: string;
  readonly refill: string;
}

export function parseRateLimit(fields: RateLimitFields, given: RateLimit): RateLimit {
  const { bytesPerSecond, burstBytes, refillMs } = given;
  if (bytesPerSecond < 1024 || bytesPerSecond > 100e9) {
    throw invalidArgument(
      fields.bandwidth,
      `must be from 1024 to 100000000000 bytes per second, got ${bytesPerSecond}`,
    );
  }
  if (burstBytes < 0 || burstBytes > 4e9) {
    throw invalidArgument(fields.burst, `must be from 0 to 4000000000 bytes, got ${burstBytes}`);
  }
  if (refillMs < 0 || refillMs > 60_000) {
    throw invalidArgument(
      fields.refill,
      `must be from 0 (the default, 100) to 60000 milliseconds, got ${refillMs}`,
    );
  }
  return { bytesPerSecond, burstBytes, refillMs: refillMs === 0 ? 100 : refillMs };
}

export function parseMetadata(
  field: string,
  metadata: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries(metadata);
  if (entries.length > MOST_METADATA_ENTRIES) {
    throw invalidArgument(
      field,
      `must have at most ${MOST_METADATA_ENTRIES} entries, got ${entries.length}`,
    );
  }
  for (const [key, value] of entries) {
    if (!METADATA_KEY.test(key)) {
      throw invalidArgument(
        `${field}[${quote(key)}]`,
        "keys are 1 to 64 letters, digits, '_', '.', '/' or '-'",
      );
    }
    if (value.length > MOST_METADATA_VALUE) {
      throw invalidArgument(
        `${field}.${key}`,
        `must be at most ${MOST_METADATA_VALUE} characters, got ${value.length}`,
      );
    }
  }
  return metadata;
}

/** 0 means the default; the guest is given this long to go down by itself. */
export function parseTimeoutMs(field: string, seconds: number, defaultSeconds: number): number {
  if (seconds === 0) return defaultSeconds * 1000;
  if (seconds >= 1 && seconds <= MOST_TIMEOUT_SECONDS) return seconds * 1000;
  throw invalidArgument(
    field,
    `must be 0 (${defaultSeconds} seconds) or from 1 to ${MOST_TIMEOUT_SECONDS}, got ${seconds}`,
  );
}

/** Quotes what a caller sent, cut short: it goes into an error text. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
