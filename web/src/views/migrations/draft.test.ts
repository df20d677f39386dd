import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitToText, parseLimit } from './bandwidth.ts';
import { draftFieldOf, findMistakes } from './draft-mistakes.ts';
import { EMPTY_DRAFT, toRequests, type Draft } from './draft.ts';
import { EMPTY_LOGIN } from './login.ts';
import { refusalsOf } from './refusals.ts';
import { choiceOf, sourceKey, sourceOf, typedSource } from './source.ts';
import type { SourceVm } from './wire.ts';

const FILES = { kind: 'file' } as const;
const LAB = { kind: 'connection', name: 'lab' } as const;
const VM: SourceVm = {
  ...{ name: 'web', path: '/srv/images/web.ova', ref: 'web.ova', power_state: 'poweredOff' },
  ...{ num_cpu: 1, memory_mb: 512, storage: 1, guest_os: null, template: false },
};

describe('the requests of a new migration', () => {
  it('name a file by its folder and what it is called there', () => {
    const draft = { ...EMPTY_DRAFT, type: 'file', directory: '/srv/out' } as const;
    const [request] = toRequests(FILES, [VM], draft);
    assert.partialDeepStrictEqual(request, {
      ...{ name: 'web', vm_path: 'web.ova', source: { type: 'file', path: '/srv/images' } },
      destination: { type: 'file', directory: '/srv/out' },
      options: { power: 'require-off', disk_format: 'qcow2', bandwidth_limit: null },
    });
  });

  it('name a connection, what networks become, and a limit in bytes', () => {
    const networks = { 'VM Network': ' br0', other: '' };
    const draft = { ...EMPTY_DRAFT, networks, bandwidth: '1.5', pool: 'ssd' };
    const requests = toRequests(LAB, [VM, { ...VM, path: 'DC/vm/db' }], draft);
    assert.equal(requests.length, 2);
    assert.partialDeepStrictEqual(requests[1], {
      ...{ vm_path: 'DC/vm/db', source: { type: 'vsphere', connection: 'lab' } },
      destination: { type: 'kvm', libvirt_uri: 'qemu:///system', pool: 'ssd' },
      options: { network_mapping: { 'VM Network': ' br0' }, bandwidth_limit: 1_572_864 },
    });
  });

  it('send a token only to another Drover', () => {
    const draft = { ...EMPTY_DRAFT, type: 'drover', customer: '123', token: 'secret' } as const;
    const [here] = toRequests(FILES, [VM], draft);
    assert.doesNotMatch(JSON.stringify(here), /secret/);
    const [there] = toRequests(FILES, [VM], { ...draft, url: 'https://two' });
    assert.match(JSON.stringify(there), /"token":"secret"/);
  });

  it('name an address with its login, and what may be done to a VM there', () => {
    const login = { ...EMPTY_LOGIN, url: 'vc', username: 'ada', password: 'pw' };
    const pinned = typedSource({ ...login, trust: 'pinned', thumbprint: 'ab' });
    const draft: Draft = {
      ...{ ...EMPTY_DRAFT, shutdown: '60', boot: '90', ready: 'up', cdrom: true },
      ...{ priority: '-5', attempts: '2', storages: { datastore1: 'ssd', other: '' } },
      ...({ power: 'shutdown', method: 'file' } as const),
    };
    const [request] = toRequests(pinned, [VM], draft);
    assert.partialDeepStrictEqual(request, {
      ...{ priority: -5, max_attempts: 2 },
      source: { type: 'vsphere', vcenter_url: 'vc', username: 'ada', password: 'pw' },
      destination: { type: 'kvm', ready_text: 'up' },
      options: {
        ...{ power: 'shutdown', shutdown_timeout: 60, boot_timeout: 90, remove_cdrom: true },
        ...{ storage_mapping: { datastore1: 'ssd' }, conversion_method: 'auto' },
      },
    });
    const text = JSON.stringify(
      toRequests(FILES, [VM], { ...draft, start: false, type: 'drover' }),
    );
    assert.doesNotMatch(text, /remove_cdrom|ready_text|storage_mapping/);
    assert.match(text, /"boot_timeout":0/);
  });
});

describe('a source of VMs', () => {
  it('is told by the address of the page, but for a login', () => {
    assert.deepEqual(sourceOf(choiceOf('lab'), undefined), LAB);
    assert.deepEqual(sourceOf('file', undefined), FILES);
    assert.equal(sourceOf('address', undefined), undefined);
    const typed = typedSource({ ...EMPTY_LOGIN, password: 'hunter2' });
    assert.equal(sourceOf('address', typed), typed);
    assert.doesNotMatch(JSON.stringify(sourceKey(typed)), /hunter2/);
    assert.notDeepEqual(sourceKey(typed), sourceKey(typedSource(EMPTY_LOGIN)));
  });
});

describe('what is wrong with a migration', () => {
  it('is seen before it is sent, field by field', () => {
    assert.deepEqual(findMistakes(EMPTY_DRAFT), {});
    const typed = { shutdown: '0', boot: '1.5', parallel: '17', priority: '', attempts: '0' };
    const wrong = findMistakes({ ...EMPTY_DRAFT, ...typed, power: 'shutdown', bandwidth: 'x' });
    assert.deepEqual(Object.keys(wrong).toSorted(), [
      ...['attempts', 'bandwidth', 'boot', 'parallel', 'priority', 'shutdown'],
    ]);
    assert.deepEqual(Object.keys(findMistakes({ ...EMPTY_DRAFT, type: 'file' })), ['directory']);
    const remote = { ...EMPTY_DRAFT, type: 'drover', url: 'https://two' } as const;
    assert.deepEqual(Object.keys(findMistakes(remote)), ['customer', 'token']);
  });

  it('is said beside the field that the server means', () => {
    assert.equal(draftFieldOf('destination.directory'), 'directory');
    assert.equal(draftFieldOf('options.boot_timeout'), 'boot');
    assert.equal(draftFieldOf('vm_path'), undefined);
  });

  it('is said by the name of the VM, where some of many were refused', () => {
    const sent = [VM, { ...VM, name: 'db' }].map(({ name }) => ({ name, request: {} }));
    const [first, second] = refusalsOf(['jobs[1]: name: is long', 'all is lost'], sent);
    assert.deepEqual([first?.name, first?.findings[0]?.message], ['db', 'name: is long']);
    assert.deepEqual([second?.name, second?.findings[0]?.message], ['', 'all is lost']);
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
