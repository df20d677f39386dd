import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseProcessStat } from './process-stat.ts';

const FIELDS =
  'S 1 77 77 0 -1 4194560 100 0 5 0 250 50 0 0 20 0 11 0 4242 1000000 2048 18446744073709551615';

describe('parseProcessStat', () => {
  it('reads a line, whatever the program calls itself', () => {
    for (const name of ['node', 'a b', '((x) S 1 2', ') R 9 9 9', '']) {
      assert.deepEqual(parseProcessStat(`77 (${name}) ${FIELDS}`), {
        ...{ name, state: 'S', cpuTicks: 300, threads: 11, startTicks: 4242, residentPages: 2048 },
      });
    }
  });

  it('knows no process in what is cut off', () => {
    for (const text of ['', '77', '77 (node', '77 (node)', '77 (node) S 1 77', ')(']) {
      assert.equal(parseProcessStat(text), undefined, text);
    }
  });
});
