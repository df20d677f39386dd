import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quantityOf } from './metric-units.ts';
import { quantityToText, type Known } from './numbers.ts';

const CASES: readonly (readonly [subject: string, value: Known, text: string])[] = [
  ['drover_memory_used_percent', 90.4, '90.4%'],
  ['drover_filesystem_used_percent{fstype!~"tmpfs|udf"}', 97, '97%'],
  ['node_memory_free_bytes', 3 * 1024 ** 2, '3.00 MiB'],
  ['drover_disk_read_bytes_per_second', 1024, '1.00 KiB/s'],
  ['node_hwmon_temp_celsius', 91, '91 °C'],
  ['drover_response_seconds', 0.25, '0.25 s'],
  ['drover_machine_up', 0, '0'],
  ['avg(drover_memory_used_percent)', 12, '12'],
  ['drover_memory_used_percent > 3', 12, '12'],
  ['drover_memory_used_percent', null, '–'],
];

describe('the unit of a metric', () => {
  for (const [subject, value, text] of CASES) {
    it(`is in ${text} of ${subject}`, () => {
      assert.equal(quantityToText(quantityOf(subject, value)), text);
    });
  }
});
