import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DroverError } from '#kernel/errors.ts';
import type { MachineId } from '#kernel/ids.ts';
import {
  createMac,
  parseCpuTemplate,
  parseDeviceId,
  parseKernelArgs,
  parseMac,
  parseMaxVcpus,
  parseMemoryMib,
  parseMetadata,
  parseRateLimit,
  parseTimeoutMs,
  parseTopology,
  parseVcpus,
} from './machine-rules.ts';

const MIB = 1048576n;
const FIELDS = { bandwidth: 'b', burst: 'u', refill: 'r' };

const ACCEPTED: readonly [string, () => unknown, unknown][] = [
  ['one vCPU', () => parseVcpus('f', 1), 1],
  ['32 vCPUs', () => parseVcpus('f', 32), 32],
  ['no maximum of vCPUs', () => parseMaxVcpus('f', 0, 3), 3],
  ['128 MiB', () => parseMemoryMib('f', 128n * MIB), 128],
  ['no template', () => parseCpuTemplate('f', ''), undefined],
  ['a listed template', () => parseCpuTemplate('f', 'T2CL'), 'T2CL'],
  ['an upper-case MAC', () => parseMac('f', '02:00:5E:10:00:0A'), '02:00:5e:10:00:0a'],
  ['the default timeout', () => parseTimeoutMs('f', 0, 30), 30_000],
  [
    'a rate limit with the default refill',
    () => parseRateLimit(FIELDS, { bytesPerSecond: 4096, burstBytes: 0, refillMs: 0 }),
    { bytesPerSecond: 4096, burstBytes: 0, refillMs: 100 },
  ],
];

const REFUSED: readonly [string, () => unknown, RegExp][] = [
  ['no vCPU', () => parseVcpus('config.cpu.vcpu_count', 0), /^config\.cpu\.vcpu_count: .*1 to 32/],
  ['33 vCPUs', () => parseVcpus('f', 33), /got 33/],
  ['a negative number of vCPUs', () => parseVcpus('f', -1), /got -1/],
  ['a maximum below the count', () => parseMaxVcpus('f', 1, 2), /from 2 to 32/],
  ['127 MiB', () => parseMemoryMib('f', 127n * MIB), /from 128 MiB/],
  ['half a MiB', () => parseMemoryMib('f', 128n * MIB + 1n), /whole number of MiB/],
  ['an unknown template', () => parseCpuTemplate('f', 'T9'), /T2, T2S, T2CL, T2A, V1N1/],
  ['a multicast MAC', () => parseMac('f', '01:00:5e:00:00:01'), /multicast/],
  ['a short MAC', () => parseMac('f', '02:00:5e'), /six hex pairs/],
  ['a MAC of zeros', () => parseMac('f', '00:00:00:00:00:00'), /zeros/],
  ['kernel arguments of two lines', () => parseKernelArgs('f', 'a\nb'), /one line/],
  ['a device id with a comma', () => parseDeviceId('f', 'a,b', new Set()), /letters/],
  ['no device id', () => parseDeviceId('f', '', new Set()), /required/],
  ['a device id used twice', () => parseDeviceId('f', 'a', new Set(['a'])), /twice/],
  ['a metadata key with a space', () => parseMetadata('m', { 'a b': '' }), /^m\["a b"\]/],
  ['a long metadata value', () => parseMetadata('m', { a: 'x'.repeat(1025) }), /^m\.a: .*1024/],
  ['an endless timeout', () => parseTimeoutMs('f', 999_999, 30), /1 to 3600/],
  ['a negative timeout', () => parseTimeoutMs('f', -1, 30), /1 to 3600/],
  [
    'a topology that does not add up',
    () => parseTopology('f', { sockets: 1, coresPerSocket: 2, threadsPerCore: 2 }, 2),
    /make 4/,
  ],
  [
    'a rate of one byte a second',
    () => parseRateLimit(FIELDS, { bytesPerSecond: 1, burstBytes: 0, refillMs: 0 }),
    /1024/,
  ],
];

describe('the rules for machines', () => {
  for (const [what, parse, expected] of ACCEPTED) {
    it(`accept ${what}`, () => assert.deepEqual(parse(), expected));
  }

  for (const [what, parse, message] of REFUSED) {
    it(`refuse ${what}`, () => {
      assert.throws(parse, (thrown) => {
        assert.ok(thrown instanceof DroverError);
        assert.equal(thrown.kind, 'invalid_argument');
        assert.match(thrown.message, message);
        return true;
      });
    });
  }

  it('give a machine and NIC the same unicast MAC every time', () => {
    const mac = createMac('vm_1' as MachineId, 'eth0');
    assert.equal(mac, createMac('vm_1' as MachineId, 'eth0'));
    assert.notEqual(mac, createMac('vm_1' as MachineId, 'eth1'));
    assert.equal(parseMac('f', mac), mac);
  });
});
