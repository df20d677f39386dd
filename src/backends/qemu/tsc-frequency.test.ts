import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseTscKhz } from './tsc-frequency.ts';

const cpuInfo = (model: string, mhz: string, flags: string) =>
  `processor\t: 0\nmodel name\t: ${model}\ncpu MHz\t\t: ${mhz}\nflags\t\t: fpu ${flags} sse\n`;

describe('the frequency of the time stamp counter', () => {
  it('is the clock of a virtual processor', () => {
    assert.equal(parseTscKhz(cpuInfo('AMD EPYC', '2596.144', 'hypervisor'), ''), 2_596_144);
  });

  it('is the base frequency of a real one, never its present clock', () => {
    const real = cpuInfo('Intel(R) Xeon(R) CPU @ 2.20GHz', '3499.123', 'ht');
    assert.equal(parseTscKhz(real, '2100000\n'), 2_100_000);
    assert.equal(parseTscKhz(real, ''), 2_200_000);
    assert.equal(parseTscKhz(cpuInfo('AMD Ryzen 9', '3499.123', 'ht'), ''), undefined);
  });

  it('is unknown rather than absurd', () => {
    assert.equal(parseTscKhz(cpuInfo('x', '0.000', 'hypervisor'), ''), undefined);
    assert.equal(parseTscKhz('', 'nonsense'), undefined);
  });
});
