import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';

import {
  findProcesses,
  isAlive,
  parseProcessStat,
  readCommandLine,
  readProcessStat,
  signalProcess,
} from './process-table.ts';

describe('the process table', () => {
  it('reads a stat line whose name holds spaces and parentheses', () => {
    const numbers = Array.from({ length: 49 }, (_, at) => at + 4).join(' ');
    const stat = parseProcessStat(`42 (a) b) S ${numbers}\n`);
    assert.deepEqual(stat, {
      cpuTicks: 14 + 15,
      startTicks: 22,
      residentPages: 24,
      isZombie: false,
    });
    assert.equal(parseProcessStat('42 (x) Z 1'), undefined);
    assert.equal(parseProcessStat(''), undefined);
  });

  it('tells a process from one that is gone, and from a later one with its pid', async () => {
    const child = spawn('sleep', ['87.5']);
    const ended = once(child, 'exit');
    const { pid } = child;
    assert.ok(pid !== undefined);
    const stat = await readProcessStat(pid);
    assert.ok(stat !== undefined);
    const identity = { pid, startTicks: stat.startTicks };
    assert.equal(isAlive(identity), true);
    assert.equal(isAlive({ pid, startTicks: stat.startTicks + 1 }), false);
    assert.equal(signalProcess({ pid, startTicks: stat.startTicks + 1 }, 'SIGKILL'), false);
    assert.equal(signalProcess(identity, 'SIGKILL'), true);
    await ended;
    assert.equal(isAlive(identity), false);
    assert.equal(signalProcess(identity, 'SIGKILL'), false);
    assert.equal(await readProcessStat(pid), undefined);
    assert.deepEqual(await readCommandLine(pid), []);
  });

  it('finds processes by their command line', async () => {
    const own = await readCommandLine(process.pid);
    const found = await findProcesses((argv) => argv.join('\n') === own.join('\n'));
    assert.ok(found.includes(process.pid));
  });
});
