import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import type { CustomerId, MachineId } from '#kernel/ids.ts';
import { linkLocalOf } from './firewall-rules.ts';
import { machineOfAlias, portAlias, portNames, tenantMarks } from './port-names.ts';

const MACHINE = 'vm_1' as MachineId;

describe('portNames', () => {
  it('fits the kernel, follows from machine and NIC, and differs between NICs', () => {
    const { tap, shaper } = portNames(MACHINE, 'eth0');
    assert.match(tap, /^dt[0-9a-f]{12}$/);
    assert.match(shaper, /^di[0-9a-f]{12}$/);
    assert.deepEqual(portNames(MACHINE, 'eth0'), { tap, shaper });
    assert.notEqual(portNames(MACHINE, 'eth1').tap, tap);
    assert.notEqual(portNames('vm_2' as MachineId, 'eth0').tap, tap);
  });
});

describe('portAlias', () => {
  it('tells the machine again, on its own bridge only', () => {
    const alias = portAlias('br-vms', MACHINE, 'eth0');
    assert.equal(alias, 'drover:br-vms:vm_1:eth0');
    assert.equal(machineOfAlias(alias, 'br-vms'), MACHINE);
    assert.equal(machineOfAlias(alias, 'drover0'), undefined);
    assert.equal(machineOfAlias('somebody', 'br-vms'), undefined);
  });

  it('is one word of a batch whatever the NIC is called', () => {
    assert.match(
      portAlias('b', MACHINE, 'a\nlink del dev lo # "'),
      /^drover:b:vm_1:~[0-9a-f]{12}$/,
    );
  });
});

describe('tenantMarks', () => {
  it('gives customers two words of their own, never 0', () => {
    const [one, other] = [tenantMarks('a' as CustomerId), tenantMarks('b' as CustomerId)];
    assert.notDeepEqual(one, other);
    for (const mark of [...one, ...other]) assert.match(mark, /^0x[1-9a-f][0-9a-f]*$/);
  });
});

describe('linkLocalOf', () => {
  it('is what a guest makes of its MAC', () => {
    assert.equal(linkLocalOf('52:54:00:12:34:56'), 'fe80::5054:ff:fe12:3456');
  });
});
