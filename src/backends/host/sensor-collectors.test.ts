import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import type { Collector } from '#metrics/collector.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { collectSamples } from '#test/collected-samples.ts';
import { openFileTree } from '#test/file-tree.ts';
import { openSensorTree } from '#test/sensor-tree.ts';
import {
  createExtraHostCollectors,
  EXTRA_COLLECTOR_NAMES,
} from './create-extra-host-collectors.ts';
import type { ExtraCollectorName } from './create-extra-host-collectors.ts';
import { ReadingPace } from './reading-pace.ts';
import { isLiveElement, parseSensorFileName } from './sensor-metric.ts';

const SENSORS = ['hwmon', 'thermal_zone', 'powersupplyclass', 'rapl'] as const;

class Fixture {
  readonly table = new SampleTable();
  readonly clock = new FakeClock();
  readonly collectors: readonly Collector[];

  constructor(sysRoot: string, names: readonly ExtraCollectorName[]) {
    this.collectors = createExtraHostCollectors({
      ...{ table: this.table, clock: this.clock, log: silentLog, procRoot: '/proc', sysRoot },
      enabled: (name) => names.includes(name),
    });
  }

  async collect(): Promise<Readonly<Record<string, number>>> {
    const [collector] = this.collectors;
    return (await collectSamples(collector ?? assert.fail(), this.table, this.clock)).values;
  }
}

const CPU = 'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"}';
const CPU_MAX = 'node_hwmon_temp_max_celsius{chip="platform_coretemp_0",sensor="temp1"}';
const CORETEMP = 'devices/platform/coretemp.0/hwmon/hwmon0';

describe('createExtraHostCollectors', () => {
  it('makes those that are switched on, each under its name', () => {
    const { collectors } = new Fixture('/nowhere', EXTRA_COLLECTOR_NAMES);
    assert.deepEqual(
      collectors.map(({ name }) => name),
      EXTRA_COLLECTOR_NAMES,
    );
    assert.deepEqual(new Fixture('/nowhere', ['rapl']).collectors.length, 1);
  });

  for (const name of SENSORS) {
    it(`has nothing and no error from ${name} where there are none`, async () => {
      using tree = openFileTree({});
      assert.deepEqual(await new Fixture(tree.root, [name]).collect(), {});
    });
  }
});

describe('HwmonCollector', () => {
  it('reads what is measured in each sample, and what is set once a minute', async () => {
    using tree = openSensorTree();
    const fixture = new Fixture(tree.root, ['hwmon']);
    const before = await fixture.collect();
    assert.deepEqual([before[CPU], before[CPU_MAX]], [45, 80]);
    tree.write({ [`${CORETEMP}/temp1_input`]: '51250', [`${CORETEMP}/temp1_max`]: '85000' });
    const after = await fixture.collect();
    assert.deepEqual([after[CPU], after[CPU_MAX]], [51.25, 80]);
    await fixture.clock.advance(60_000);
    assert.equal((await fixture.collect())[CPU_MAX], 85);
  });

  it('loses the sensor that vanishes or says nonsense, and no other', async () => {
    using tree = openSensorTree();
    const fixture = new Fixture(tree.root, ['hwmon']);
    await fixture.collect();
    tree.remove(`${CORETEMP}/temp1_input`);
    tree.write({ [`${CORETEMP}/temp2_input`]: '' });
    const values = await fixture.collect();
    assert.equal(values[CPU], undefined);
    assert.equal(values[CPU.replace('temp1', 'temp2')], undefined);
    assert.equal(values['node_hwmon_temp_celsius{chip="nvme_nvme0",sensor="temp1"}'], 38.85);
  });

  it('finds a chip that is added later', async () => {
    using tree = openFileTree({});
    const fixture = new Fixture(tree.root, ['hwmon']);
    await fixture.collect();
    tree.write({
      'class/hwmon/hwmon0/name': 'late chip!',
      'class/hwmon/hwmon0/temp1_input': '1000',
    });
    await fixture.clock.advance(60_000);
    assert.deepEqual(await fixture.collect(), {
      'node_hwmon_chip_names{chip="late_chip",chip_name="late_chip"}': 1,
      'node_hwmon_temp_celsius{chip="late_chip",sensor="temp1"}': 1,
    });
  });
});

describe('parseSensorFileName', () => {
  it('takes readings apart, and leaves other files alone', () => {
    const parsed = (name: string) => {
      const file = parseSensorFileName(name);
      return file === undefined ? undefined : [file.sensor, file.element, isLiveElement(file)];
    };
    assert.deepEqual(parsed('temp12_crit_hyst'), ['temp12', 'crit_hyst', false]);
    assert.deepEqual(parsed('pwm2'), ['pwm2', '', true]);
    assert.deepEqual(parsed('power1_average'), ['power1', 'average', true]);
    assert.deepEqual(parsed('in0_lcrit_alarm'), ['in0', 'lcrit_alarm', true]);
    assert.deepEqual(parsed('update_interval'), ['update_interval0', '', false]);
    for (const other of ['name', 'uevent', 'subsystem', 'device', 'temperature', '1', '']) {
      assert.equal(parsed(other), undefined, other);
    }
  });
});

describe('ReadingPace', () => {
  it('reads what is quick in every sample, and what is slow a hundredth of the time', () => {
    const pace = new ReadingPace();
    assert.equal(pace.isDue(0), true);
    pace.record(0, 0.5);
    assert.equal(pace.isDue(1), true);
    pace.record(1000, 50);
    assert.equal(pace.isDue(5999), false);
    assert.equal(pace.isDue(6000), true);
    pace.record(6000, 100_000);
    assert.equal(pace.isDue(66_000), true);
  });
});
