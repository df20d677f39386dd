import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nicOf } from '#test/contract/host-network.ts';
import { diskSpec, kernelSpec } from '#test/contract/machine-spec.ts';
import { specToConfig } from './spec-to-config.ts';

const KERNEL = { kernelPath: '/i/vmlinuz', initrdPath: undefined, kernelArgs: 'quiet' };

describe('specToConfig', () => {
  it('writes down what a caller would have asked for, under both names', () => {
    const topology = { sockets: 1, coresPerSocket: 2, threadsPerCore: 1 };
    const config = specToConfig({
      ...kernelSpec(KERNEL),
      cpu: { vcpus: 2, maxVcpus: 2, topology, template: undefined, features: {} },
      boot: { kind: 'firmware', machineType: 'q35', firmware: 'uefi' },
      disks: [diskSpec('d', '/i/d.qcow2', { isRoot: true, bus: 'sata', writeMode: 'direct' })],
      nics: [nicOf('eth0', '00:50:56:00:00:01')],
      metadata: { name: 'web' },
    });
    assert.deepEqual(config, {
      cpu: { vcpuCount: 2, topology },
      memory: { sizeBytes: String(128 * 1024 * 1024) },
      boot: { bootOptions: { firmware: 'uefi' } },
      storage: [
        {
          ...{ id: 'd', deviceId: 'd', path: '/i/d.qcow2', pathOnHost: '/i/d.qcow2' },
          ...{ isReadOnly: false, isRootDevice: true, interfaceType: 'sata' },
          options: { write_mode: 'direct' },
        },
      ],
      network: [
        {
          ...{ id: 'eth0', interfaceId: 'eth0', interfaceType: 'TAP', type: 'TAP' },
          ...{ macAddress: '00:50:56:00:00:01', guestMac: '00:50:56:00:00:01' },
        },
      ],
      console: { enabled: true, type: '', outputFile: '' },
      metadata: { name: 'web' },
    });
  });

  it('says by which kernel a machine starts', () => {
    const { boot } = specToConfig(kernelSpec(KERNEL)) as { boot: unknown };
    assert.deepEqual(boot, { kernelPath: '/i/vmlinuz', kernelArgs: 'quiet' });
  });
});
