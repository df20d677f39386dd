import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { VmMetricsSchema } from '#gen/vmprovisioner/v1/vm_pb.js';
import type { GuestStats } from '#machines/hypervisor.ts';
import { createJsonWriter } from '#surfaces/edge/rpc/json-writer.ts';
import { metricsToWire } from './metrics.ts';

const STATS: GuestStats = {
  cpuTimeNanos: 1_234_567_890.4,
  cpuPercent: 12.5,
  memoryBytes: 536870912,
  diskReadBytes: 1048576,
  diskWriteBytes: 2097152,
  diskReadOps: 10,
  diskWriteOps: 20,
  netRxBytes: 1024,
  netTxBytes: 2048,
  netRxPackets: 3,
  netTxPackets: 4,
  sampledAt: 0,
};

const ON = { bootedAt: 1000 };

function written(changes: Partial<GuestStats>, machine: Parameters<typeof metricsToWire>[1] = ON) {
  const wire = metricsToWire({ ...STATS, ...changes }, machine, 62_900);
  return JSON.parse(createJsonWriter(VmMetricsSchema)(create(VmMetricsSchema, wire)));
}

describe('the metrics of a machine', () => {
  it('are told in both shapes', () => {
    assert.deepEqual(written({}), {
      cpu_usage_percent: 12.5,
      memory_usage_bytes: 536870912,
      network_stats: {
        bytes_received: 1024,
        bytes_transmitted: 2048,
        packets_received: 3,
        packets_transmitted: 4,
      },
      storage_stats: {
        bytes_read: 1048576,
        bytes_written: 2097152,
        read_operations: 10,
        write_operations: 20,
      },
      uptime_seconds: 61,
      cpu_time_nanos: 1234567890,
      disk_read_bytes: 1048576,
      disk_write_bytes: 2097152,
      network_rx_bytes: 1024,
      network_tx_bytes: 2048,
    });
  });

  it('leave out the traffic where nobody counts it, instead of saying 0', () => {
    const json = written({ netRxBytes: undefined, netTxBytes: undefined });
    assert.equal('network_rx_bytes' in json, false);
    assert.equal('network_tx_bytes' in json, false);
    assert.equal(json.network_stats ?? null, null);
  });

  it('never tell an uptime below 0, whatever the clock did', () => {
    assert.equal(written({}, { bootedAt: 99_000 }).uptime_seconds, 0);
    assert.equal(written({}, { bootedAt: undefined }).uptime_seconds, 0);
  });
});
