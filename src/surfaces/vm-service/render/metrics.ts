/** What a guest uses, in both documented shapes. A number nobody knows is left out. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { VmMetricsSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { GuestStats } from '#machines/hypervisor.ts';
import type { Machine } from '#machines/machine.ts';

export function metricsToWire(
  stats: GuestStats,
  { bootedAt }: Pick<Machine, 'bootedAt'>,
  nowMs: number,
): MessageInitShape<typeof VmMetricsSchema> {
  const { netRxBytes, netTxBytes, netRxPackets, netTxPackets } = stats;
  return {
    cpuTimeNanos: BigInt(Math.round(stats.cpuTimeNanos)),
    ...(stats.cpuPercent === undefined ? {} : { cpuUsagePercent: stats.cpuPercent }),
    memoryUsageBytes: BigInt(stats.memoryBytes),
    diskReadBytes: BigInt(stats.diskReadBytes),
    diskWriteBytes: BigInt(stats.diskWriteBytes),
    storageStats: {
      bytesRead: BigInt(stats.diskReadBytes),
      bytesWritten: BigInt(stats.diskWriteBytes),
      readOperations: BigInt(stats.diskReadOps),
      writeOperations: BigInt(stats.diskWriteOps),
    },
    ...(netRxBytes === undefined || netTxBytes === undefined
      ? {}
      : {
          networkRxBytes: BigInt(netRxBytes),
          networkTxBytes: BigInt(netTxBytes),
          networkStats: {
            bytesReceived: BigInt(netRxBytes),
            bytesTransmitted: BigInt(netTxBytes),
            packetsReceived: BigInt(netRxPackets ?? 0),
            packetsTransmitted: BigInt(netTxPackets ?? 0),
          },
        }),
    uptimeSeconds: BigInt(
      bootedAt === undefined ? 0 : Math.max(0, Math.floor((nowMs - bootedAt) / 1000)),
    ),
  };
}
