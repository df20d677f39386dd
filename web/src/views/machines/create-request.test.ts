import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromJson } from '@bufbuild/protobuf';
import { CreateVmRequestSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { sizesOf } from './create-image.ts';
import { NEW_FORM, fieldOf, findMistakes, toCreateRequest } from './create-request.ts';

const IMAGE = {
  ...{ name: 'demo', description: '' },
  config: {
    ...{ cpu: { vcpuCount: 2 }, memory: { size_bytes: '268435456' } },
    boot: { kernel_path: '/assets/demo/vmlinuz' },
    storage: [{ id: 'rootfs', path: '/assets/demo/rootfs.ext4', is_root_device: true }],
    network: [{ interface_id: 'eth0', guest_mac: 'auto' }],
    metadata: { image: 'demo' },
  },
};

describe('toCreateRequest', () => {
  it('asks for what the form says, in words that the API reads', () => {
    const form = { ...NEW_FORM, customer: ' 123 ', name: 'web-1', disk: '/assets/a.qcow2' };
    assert.deepEqual(toCreateRequest(form), {
      customer_id: '123',
      config: {
        cpu: { vcpu_count: 1 },
        memory: { size_bytes: 1073741824 },
        boot: { boot_options: { firmware: 'bios' } },
        storage: [
          {
            ...{ device_id: 'rootfs', path_on_host: '/assets/a.qcow2' },
            ...{ is_read_only: false, is_root_device: true },
          },
        ],
        network: [{ interface_id: 'eth0', guest_mac: 'auto' }],
        metadata: { name: 'web-1' },
      },
    });
    const kernel = {
      ...form,
      start: 'kernel',
      kernel: '/assets/vmlinuz',
      network: 'ipv4',
    } as const;
    const request = fromJson(
      CreateVmRequestSchema,
      toCreateRequest({ ...kernel, write: 'direct' }),
    );
    assert.equal(request.config?.boot?.kernelPath, '/assets/vmlinuz');
    assert.equal(request.config?.storage[0]?.options['write_mode'], 'direct');
    assert.equal(request.config?.network[0]?.mode, 2);
    const bare = fromJson(CreateVmRequestSchema, toCreateRequest({ ...form, network: 'none' }));
    assert.deepEqual(bare.config?.network, []);
  });
});

describe('an image', () => {
  it('is taken as it stands, but for what the form says besides', () => {
    const form = { ...NEW_FORM, customer: '123', image: IMAGE, ...sizesOf(IMAGE) };
    assert.deepEqual([form.vcpus, form.memoryMib, findMistakes(form)], ['2', '256', {}]);
    const { config } = toCreateRequest({ ...form, name: 'web-1', vcpus: '4' });
    assert.deepEqual(config, {
      ...IMAGE.config,
      ...{ cpu: { vcpu_count: 4 }, memory: { size_bytes: 268435456 } },
      metadata: { image: 'demo', name: 'web-1' },
    });
    const { config: alone } = toCreateRequest({ ...form, network: 'none' });
    assert.partialDeepStrictEqual(alone, { network: [], metadata: { image: 'demo' } });
  });
});

describe('findMistakes', () => {
  it('finds what is missing, and nothing where nothing is', () => {
    const form = {
      ...NEW_FORM,
      customer: '',
      vcpus: '33',
      memoryMib: '1.5',
      start: 'kernel',
    } as const;
    const fields = ['customer', 'vcpus', 'memoryMib', 'disk', 'kernel'];
    assert.deepEqual(Object.keys(findMistakes(form)), fields);
    assert.deepEqual(findMistakes({ ...NEW_FORM, disk: '/assets/a.img' }), {});
  });
});

describe('fieldOf', () => {
  it('finds the field that the server means', () => {
    assert.equal(fieldOf('config.storage[0].path_on_host', NEW_FORM), 'disk');
    assert.equal(fieldOf('config.boot.boot_options.firmware', NEW_FORM), 'start');
    assert.equal(fieldOf('config.boot.kernel_path', NEW_FORM), 'kernel');
    assert.equal(fieldOf('config.console', NEW_FORM), undefined);
    assert.equal(fieldOf(undefined, NEW_FORM), undefined);
    assert.equal(fieldOf('config.boot.kernel_path', { image: IMAGE }), 'image');
    assert.equal(fieldOf('config.cpu.vcpu_count', { image: IMAGE }), 'vcpus');
  });
});
