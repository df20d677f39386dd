/** What benchmarks need of the API to set the scene, by Connect's own client. */
import { createClient, type Client, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { VmService, type VmConfigSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import { MIB } from '#kernel/units.ts';

/** Accepted because the servers under test listen on loopback only. */
export function devToken(customer: string): string {
  return `Bearer dev_customer_${customer}`;
}

export function createVmClient(baseUrl: string, token: string): Client<typeof VmService> {
  const authorize: Interceptor = (next) => (request) => {
    request.header.set('authorization', token);
    return next(request);
  };
  return createClient(
    VmService,
    createConnectTransport({
      baseUrl,
      httpVersion: '1.1',
      useBinaryFormat: true,
      interceptors: [authorize],
    }),
  );
}

/** An everyday machine: a kernel, a disk, a NIC, some metadata. */
export function everydayConfig(): MessageInitShape<typeof VmConfigSchema> {
  return {
    cpu: { vcpuCount: 1 },
    memory: { sizeBytes: BigInt(128 * MIB) },
    boot: {
      kernelPath: '/assets/demo/vmlinuz',
      kernelArgs: 'console=ttyS0 reboot=k panic=1 quiet root=/dev/vda rw',
    },
    storage: [
      {
        deviceId: 'rootfs',
        pathOnHost: '/assets/demo/rootfs.ext4',
        isRootDevice: true,
      },
    ],
    network: [{ interfaceId: 'eth0' }],
    metadata: { name: 'web-1', owner: 'platform' },
  };
}
