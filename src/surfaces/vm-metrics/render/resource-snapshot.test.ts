import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GpuReading, ResourceSnapshot } from '#events/resource-snapshot.ts';
import { snapshotToJson } from './resource-snapshot.ts';

const GPU: GpuReading = {
  index: 0,
  model: 'NVIDIA RTX 3080',
  utilizationBps: 5000,
  memoryUsageBps: 5000,
  temperatureDeciC: 700,
  powerDrawDeciW: 1500,
};

/** The numbers of the documented example. */
const DOCUMENTED: ResourceSnapshot = {
  atMs: 1_626_350_430_900,
  instanceId: 'instance-abc123',
  accountId: 'account-xyz789',
  cpuUsageBps: 2500,
  processCount: 42,
  memory: {
    totalBytes: 16_777_216_000,
    freeBytes: 8_388_608_000,
    availableBytes: 12_582_912_000,
    usedBytes: 8_388_608_000,
    swapTotalBytes: 4_294_967_296,
    swapUsedBytes: 1_073_741_824,
  },
  disks: [
    {
      deviceName: 'sda1',
      readsCompleted: 1000,
      readsMerged: 500,
      sectorsRead: 2000,
      timeReadingMs: 100,
      writesCompleted: 1000,
      writesMerged: 500,
      sectorsWritten: 2_097_152,
      timeWritingMs: 100,
      ioInProgress: 10,
      timeDoingIoMs: 200,
      weightedTimeDoingIoMs: 300,
    },
  ],
  interfaces: [
    {
      name: 'eth0',
      bytesSent: 104_857_600,
      bytesReceived: 209_715_200,
      packetsSent: 1000,
      packetsReceived: 2000,
      errorsIn: 0,
      errorsOut: 0,
      dropsIn: 0,
      dropsOut: 0,
      speedBitsPerSecond: 1_000_000_000,
    },
  ],
  gpus: [GPU],
  load: { load1: 100, load5: 120, load15: 110 },
};

const UNKNOWN: ResourceSnapshot = {
  ...DOCUMENTED,
  accountId: undefined,
  cpuUsageBps: undefined,
  memory: undefined,
  load: undefined,
  gpus: [{ ...GPU, powerDrawDeciW: undefined }],
};

describe('the object of /get', () => {
  it('is the documented one, number by number', () => {
    assert.deepEqual(snapshotToJson(DOCUMENTED, { usagePctX100: false }), {
      timestamp: 1_626_350_430,
      instance_id: 'instance-abc123',
      account_id: 'account-xyz789',
      cpu: { usage_pct: 25, process_count: 42 },
      memory: {
        total: 16_777_216_000,
        free: 8_388_608_000,
        available: 12_582_912_000,
        used: 8_388_608_000,
        total_swap: 4_294_967_296,
        used_swap: 1_073_741_824,
      },
      disks: [
        {
          device_name: 'sda1',
          reads_completed: 1000,
          reads_merged: 500,
          sectors_read: 2000,
          time_reading: 100,
          writes_completed: 1000,
          writes_merged: 500,
          sectors_written: 2_097_152,
          time_writing: 100,
          io_in_progress: 10,
          time_doing_io: 200,
          weighted_time_doing_io: 300,
        },
      ],
      network: {
        interfaces: [
          {
            name: 'eth0',
            bytes_sent: 104_857_600,
            bytes_received: 209_715_200,
            packets_sent: 1000,
            packets_received: 2000,
            errors_in: 0,
            errors_out: 0,
            drops_in: 0,
            drops_out: 0,
            speed: 1_000_000_000,
          },
        ],
      },
      gpus: [
        {
          index: 0,
          model: 'NVIDIA RTX 3080',
          utilization_bps: 5000,
          memory_usage_bps: 5000,
          temperature_deci_c: 700,
          power_draw_deci_w: 1500,
        },
      ],
      load: { load1: 100, load5: 120, load15: 110 },
    });
  });

  it('rounds CPU usage to whole percents, since every number is whole', () => {
    const usage = (bps: number) =>
      snapshotToJson({ ...DOCUMENTED, cpuUsageBps: bps }, { usagePctX100: false })['cpu'];
    assert.deepEqual(usage(49), { usage_pct: 0, process_count: 42 });
    assert.deepEqual(usage(9951), { usage_pct: 100, process_count: 42 });
  });

  it('has null for what is not known', () => {
    const json = snapshotToJson(UNKNOWN, { usagePctX100: false });
    assert.equal(json['account_id'], null);
    assert.deepEqual(json['cpu'], { usage_pct: null, process_count: 42 });
    assert.deepEqual(json['load'], { load1: null, load5: null, load15: null });
    assert.match(JSON.stringify(json['gpus']), /"power_draw_deci_w":null/);
    assert.match(JSON.stringify(json['memory']), /"total":null/);
  });

  it('speaks as the original program did when told to', () => {
    const style = { usagePctX100: true };
    assert.deepEqual(snapshotToJson(DOCUMENTED, style)['cpu'], {
      usage_pct: 2500,
      process_count: 42,
    });
    const json = snapshotToJson(UNKNOWN, style);
    assert.deepEqual(json['cpu'], { usage_pct: 0, process_count: 42 });
    assert.equal(json['account_id'], null);
  });
});
