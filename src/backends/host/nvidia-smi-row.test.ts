import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { nvidiaSmiArguments, parseNvidiaSmiRow } from './nvidia-smi-row.ts';

const UUID = 'GPU-22b2c6ac-2d49-4863-197c-9c469071178a';

/** Rows in the shapes that drivers print them, from workstations to what is about to fail. */
const ROWS: readonly (readonly [string, string, object])[] = [
  [
    'a card of a workstation',
    `0, ${UUID}, NVIDIA GeForce RTX 3080, 50, 5120, 10240, 70, 150.25, 45`,
    {
      ...{ index: 0, gpu: '0', vendor: 'nvidia', model: 'NVIDIA GeForce RTX 3080', uuid: UUID },
      ...{
        utilizationBps: 5000,
        memoryUsedBytes: 5120 * 2 ** 20,
        memoryTotalBytes: 10240 * 2 ** 20,
      },
      ...{ temperatureDeciC: 700, powerCentiW: 15_025, fanBps: 4500 },
    },
  ],
  [
    'a card of a data centre, which has no fan',
    `3, ${UUID}, NVIDIA A100-SXM4-80GB, 0, 4, 81920, 29, 58.61, [N/A]`,
    { index: 3, utilizationBps: 0, powerCentiW: 5861, fanBps: undefined },
  ],
  [
    'a divided card, which does not say how busy it is',
    `0, ${UUID}, NVIDIA H100 80GB HBM3, [N/A], 12, 81559, 33, 71.25, [N/A]`,
    { utilizationBps: undefined, memoryUsedBytes: 12 * 2 ** 20, temperatureDeciC: 330 },
  ],
  [
    'an old card and an old driver',
    `0, ${UUID}, GeForce GT 620M, [Not Supported], 11, 1024, 52, [Not Supported], [Not Supported]`,
    { utilizationBps: undefined, temperatureDeciC: 520, powerCentiW: undefined },
  ],
  [
    'a virtual card, which shares its memory with the processor',
    `0, ${UUID}, NVIDIA GB10, 12, [N/A], [N/A], 44, 9.93, [N/A]`,
    { utilizationBps: 1200, memoryUsedBytes: undefined, memoryTotalBytes: undefined },
  ],
  [
    'a card with a sensor that fails',
    `1, ${UUID}, Tesla V100-PCIE-16GB, 97, 15000, 16160, [Unknown Error], [Unknown Error], ERR!`,
    {
      utilizationBps: 9700,
      temperatureDeciC: undefined,
      powerCentiW: undefined,
      fanBps: undefined,
    },
  ],
  [
    'a card that has fallen off the bus',
    '2, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost], ' +
      '[GPU is lost], [GPU is lost], [GPU is lost]',
    { index: 2, model: '', uuid: undefined, utilizationBps: undefined },
  ],
  [
    'a name with a comma in it',
    `0, ${UUID}, NVIDIA Foo, Rev 2, 5, 1, 2, 30, 10.00, 0`,
    { model: 'NVIDIA Foo, Rev 2', utilizationBps: 500, fanBps: 0 },
  ],
  [
    'more than all, which some fans and drivers report',
    `0, ${UUID}, NVIDIA RTX A4000, 101, 1, 2, 30, 10.00, 105`,
    { utilizationBps: 10_000, fanBps: 10_000 },
  ],
];

describe('parseNvidiaSmiRow', () => {
  for (const [title, row, expected] of ROWS) {
    it(`reads ${title}`, () => {
      const gpu = parseNvidiaSmiRow(row);
      assert.deepEqual({ ...gpu, ...expected }, gpu);
      assert.ok(gpu !== undefined);
    });
  }

  it('passes over everything else that is printed', () => {
    const noise = [
      '',
      'No devices were found',
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure " +
        'that the latest NVIDIA driver is installed and running.',
      'Failed to initialize NVML: Driver/library version mismatch',
      'Unable to determine the device handle for GPU 0000:0B:00.0: GPU is lost.  Reboot the system',
      'Field "fan.speed" is not a valid field to query.',
      'index, uuid, name, utilization.gpu [%], memory.used [MiB], memory.total [MiB], a, b, c',
      `0, ${UUID}, cut off, 5, 1`,
      'x, 1, 2, 3, 4, 5, 6, 7, 8',
    ];
    for (const line of noise) assert.equal(parseNvidiaSmiRow(line), undefined, line);
  });
});

describe('nvidiaSmiArguments', () => {
  it('asks for as many fields as the parser reads, again and again', () => {
    assert.deepEqual(nvidiaSmiArguments(5), [
      '--query-gpu=index,uuid,name,utilization.gpu,memory.used,memory.total,temperature.gpu,' +
        'power.draw,fan.speed',
      '--format=csv,noheader,nounits',
      '-l',
      '5',
    ]);
  });
});
