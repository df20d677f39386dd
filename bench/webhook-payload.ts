/** What a host of an ordinary size is measured to be: about two kilobytes as JSON. */
import type { ResourceSnapshot } from '#events/resource-snapshot.ts';

export const SECRET = 'a shared secret of some length';

export const everydaySnapshot: ResourceSnapshot = {
  atMs: 1_700_000_000_000,
  instanceId: 'host-1',
  accountId: 'account-1',
  cpuUsageBps: 2512,
  processCount: 412,
  memory: {
    totalBytes: 16_777_216_000,
    freeBytes: 8_388_608_000,
    availableBytes: 12_582_912_000,
    usedBytes: 4_194_304_000,
    swapTotalBytes: 4_294_967_296,
    swapUsedBytes: 1_073_741_824,
  },
  disks: ['sda', 'sda1', 'sda2', 'sdb'].map((deviceName) => ({
    deviceName,
    readsCompleted: 123_456,
    readsMerged: 5000,
    sectorsRead: 9_876_543,
    timeReadingMs: 45_678,
    writesCompleted: 654_321,
    writesMerged: 70_000,
    sectorsWritten: 20_971_520,
    timeWritingMs: 98_765,
    ioInProgress: 1,
    timeDoingIoMs: 67_890,
    weightedTimeDoingIoMs: 144_443,
  })),
  interfaces: ['lo', 'eth0'].map((name) => ({
    name,
    bytesSent: 104_857_600,
    bytesReceived: 209_715_200,
    packetsSent: 100_000,
    packetsReceived: 200_000,
    errorsIn: 0,
    errorsOut: 0,
    dropsIn: 0,
    dropsOut: 0,
    speedBitsPerSecond: 1_000_000_000,
  })),
  gpus: [],
  load: { load1: 100, load5: 120, load15: 110 },
};
