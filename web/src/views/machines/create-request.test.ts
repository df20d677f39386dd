import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromJson } from '@bufbuild/protobuf';
import { CreateVmRequestSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { NEW_FORM, fieldOf, findMistakes, toCreateRequest } from './create-request.ts';

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
    assert.equal(fieldOf('config.storage[0].path_on_host'), 'disk');
    assert.equal(fieldOf('config.boot.boot_options.firmware'), 'start');
    assert.equal(fieldOf('config.boot.kernel_path'), 'kernel');
    assert.equal(fieldOf('config.console'), undefined);
    assert.equal(fieldOf(undefined), undefined);
  });
});
