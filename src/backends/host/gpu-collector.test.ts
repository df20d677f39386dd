import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { describe, it } from 'node:test';

import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { collectSamples } from '#test/collected-samples.ts';
import { openFileTree } from '#test/file-tree.ts';
import type { FileTree } from '#test/file-tree.ts';
import { until } from '#test/until.ts';
import { GpuCollector } from './gpu-collector.ts';

const AMD = 'class/drm/card1/device';
const INTEL = 'class/drm/card0';
const CARDS = {
  [`${INTEL}/device/vendor`]: '0x8086',
  [`${INTEL}/device/device`]: '0x56a0',
  [`${INTEL}/device/hwmon/hwmon3/energy1_input`]: '5000000',
  [`${INTEL}/gt/gt0/rps_act_freq_mhz`]: '2050',
  'class/drm/card0-DP-1/status': 'connected',
  [`${AMD}/vendor`]: '0x1002',
  [`${AMD}/device`]: '0x73bf',
  [`${AMD}/unique_id`]: '43cb2ec1f4c2a8b0',
  [`${AMD}/gpu_busy_percent`]: '37',
  [`${AMD}/mem_info_vram_used`]: '4294967296',
  [`${AMD}/mem_info_vram_total`]: '17163091968',
  [`${AMD}/hwmon/hwmon5/temp1_input`]: '61250',
  [`${AMD}/hwmon/hwmon5/power1_average`]: '142000000',
  [`${AMD}/hwmon/hwmon5/pwm1`]: '51',
  [`${AMD}/hwmon/hwmon5/freq1_input`]: '2475000000',
  // Seen by NVIDIA's own program, and a server's console chip, which has nothing to tell.
  'class/drm/card2/device/vendor': '0x10de',
  'class/drm/card3/device/vendor': '0x1a03',
};

class Fixture implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly table = new SampleTable();
  readonly tree: FileTree;
  readonly collector: GpuCollector;

  constructor(files: Readonly<Record<string, string>>, smiScript?: string) {
    this.tree = openFileTree(files);
    const nvidiaSmi = `${this.tree.root}/nvidia-smi`;
    if (smiScript !== undefined) {
      this.tree.write({ 'nvidia-smi': `#!/bin/sh\n${smiScript}` });
      chmodSync(nvidiaSmi, 0o755);
    }
    this.collector = new GpuCollector({
      ...{ table: this.table, clock: this.clock, log: silentLog, nvidiaSmi },
      sysRoot: this.tree.root,
    });
  }

  collect() {
    return collectSamples(this.collector, this.table, this.clock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.collector[Symbol.asyncDispose]();
    this.tree[Symbol.dispose]();
  }
}

describe('GpuCollector', () => {
  it('has nothing and no error where there is no GPU', async () => {
    await using fixture = new Fixture({});
    assert.deepEqual(await fixture.collect(), { values: {}, readings: { gpus: [] } });
  });

  it('reads what the drivers of AMD and Intel tell', async () => {
    await using fixture = new Fixture(CARDS);
    await fixture.collect();
    fixture.tree.write({ [`${INTEL}/device/hwmon/hwmon3/energy1_input`]: '95500000' });
    await fixture.clock.advance(2000);
    const { values, readings } = await fixture.collect();
    const amd = '{gpu="card1",model="AMD 73bf",uuid="43cb2ec1f4c2a8b0",vendor="amd"}';
    const intel = '{gpu="card0",model="Intel 56a0",vendor="intel"}';
    assert.deepEqual(values, {
      [`drover_gpu_utilization_percent${amd}`]: 37,
      [`drover_gpu_memory_used_bytes${amd}`]: 4_294_967_296,
      [`drover_gpu_memory_total_bytes${amd}`]: 17_163_091_968,
      [`drover_gpu_memory_used_percent${amd}`]: 25.02,
      [`drover_gpu_temperature_celsius${amd}`]: 61.3,
      [`drover_gpu_power_watts${amd}`]: 142,
      [`drover_gpu_power_watts${intel}`]: 45.25,
      [`drover_gpu_fan_percent${amd}`]: 20,
      [`drover_gpu_frequency_hertz${amd}`]: 2_475_000_000,
      [`drover_gpu_frequency_hertz${intel}`]: 2_050_000_000,
    });
    assert.deepEqual(
      readings.gpus?.map(({ index, model, powerDrawDeciW }) => [index, model, powerDrawDeciW]),
      [
        [0, 'Intel 56a0', 453],
        [1, 'AMD 73bf', 1420],
      ],
    );
  });

  it('makes no power of an energy counter that begins anew', async () => {
    await using fixture = new Fixture(CARDS);
    await fixture.collect();
    fixture.tree.write({ [`${INTEL}/device/hwmon/hwmon3/energy1_input`]: '17' });
    await fixture.clock.advance(1000);
    const { readings } = await fixture.collect();
    assert.equal(readings.gpus?.[0]?.powerDrawDeciW, undefined);
  });

  it('keeps NVIDIA and the others when one field, one GPU or one program fails', async () => {
    const rows = [
      '0, GPU-a, NVIDIA L4, 12, 2048, 8192, 55, 33.31, [N/A]',
      '1, GPU-b, NVIDIA L4, [Unknown Error], [Unknown Error], [Unknown Error], ERR!, [N/A], [N/A]',
    ];
    await using fixture = new Fixture(
      CARDS,
      `${rows.map((row) => `echo '${row}'`).join('\n')}\nexec sleep 1000`,
    );
    const found = await until(async () => {
      const one = await fixture.collect();
      return one.readings.gpus?.length === 4 ? one : undefined;
    }, 'four GPUs');
    assert.deepEqual(found.readings.gpus?.slice(0, 2), [
      {
        ...{ index: 0, model: 'NVIDIA L4', utilizationBps: 1200, memoryUsageBps: 2500 },
        ...{ temperatureDeciC: 550, powerDrawDeciW: 333 },
      },
      {
        ...{ index: 1, model: 'NVIDIA L4', utilizationBps: undefined, memoryUsageBps: undefined },
        ...{ temperatureDeciC: undefined, powerDrawDeciW: undefined },
      },
    ]);
    assert.deepEqual(
      found.readings.gpus?.slice(2).map(({ index }) => index),
      [2, 3],
    );
    const first = '{gpu="0",model="NVIDIA L4",uuid="GPU-a",vendor="nvidia"}';
    assert.equal(found.values[`drover_gpu_memory_used_percent${first}`], 25);
  });

  it('fails, the other GPUs measured, when the program is there and tells nothing', async () => {
    await using fixture = new Fixture(CARDS, 'echo "No devices were found"; exit 6');
    const error = await until(
      () =>
        fixture.collect().then(
          () => undefined,
          (thrown: unknown) => thrown,
        ),
      'a failed sample',
    );
    assert.match(String(error), /No devices were found/);
    fixture.table.endTick();
    const { members } = fixture.table.find('drover_gpu_utilization_percent') ?? assert.fail();
    assert.deepEqual(
      [...members.values()].map(({ value }) => value),
      [3700],
    );
  });
});
