import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitToText, parseLimit } from './bandwidth.ts';
import { EMPTY_DRAFT, choiceOf, connectionOf, toRequests } from './draft.ts';
import type { SourceVm } from './wire.ts';

const VM: SourceVm = {
  ...{ name: 'web', path: '/srv/images/web.ova', ref: 'web.ova', power_state: 'poweredOff' },
  ...{ num_cpu: 1, memory_mb: 512, storage: 1, guest_os: null, template: false },
};

describe('the requests of a new migration', () => {
  it('name a file by its folder and what it is called there', () => {
    const draft = { ...EMPTY_DRAFT, type: 'file', directory: '/srv/out' } as const;
    const [request] = toRequests('file', [VM], draft);
    assert.partialDeepStrictEqual(request, {
      ...{ name: 'web', vm_path: 'web.ova', source: { type: 'file', path: '/srv/images' } },
      destination: { type: 'file', directory: '/srv/out' },
      options: { power: 'require-off', disk_format: 'qcow2', bandwidth_limit: null },
    });
  });

  it('name a connection, what networks become, and a limit in bytes', () => {
    const networks = { 'VM Network': ' br0', other: '' };
    const draft = { ...EMPTY_DRAFT, networks, bandwidth: '1.5', pool: 'ssd' };
    const requests = toRequests(choiceOf('lab'), [VM, { ...VM, path: 'DC/vm/db' }], draft);
    assert.equal(requests.length, 2);
    assert.partialDeepStrictEqual(requests[1], {
      ...{ vm_path: 'DC/vm/db', source: { type: 'vsphere', connection: 'lab' } },
      destination: { type: 'kvm', libvirt_uri: 'qemu:///system', pool: 'ssd' },
      options: { network_mapping: { 'VM Network': ' br0' }, bandwidth_limit: 1_572_864 },
    });
    assert.equal(connectionOf(choiceOf('lab')), 'lab');
  });

  it('send a token only to another Drover', () => {
    const draft = { ...EMPTY_DRAFT, type: 'drover', customer: '123', token: 'secret' } as const;
    const [here] = toRequests('file', [VM], draft);
    assert.doesNotMatch(JSON.stringify(here), /secret/);
    const [there] = toRequests('file', [VM], { ...draft, url: 'https://two' });
    assert.match(JSON.stringify(there), /"token":"secret"/);
  });
});

describe('a limit of bandwidth', () => {
  it('is a number above 0, or nothing', () => {
    assert.deepEqual(['', ' 2 ', '0.5', '0', '-1', 'x'].map(parseLimit), [
      ...[null, 2_097_152, 524_288, undefined, undefined, undefined],
    ]);
    assert.deepEqual([null, 1_572_864].map(limitToText), ['', '1.5']);
  });
});
