/**
 * Run by hung-mount.test.ts, as a process of its own in a mount namespace of its own: mounts file
 * systems that never answer, measures beside them, and prints one line of JSON per sample. Then it
 * puts everything away and expects to end by itself.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, openSync, symlinkSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';

import { createExtraHostCollectors } from '#backends/host/create-extra-host-collectors.ts';
import { systemClock } from '#kernel/clock.ts';
import { silentLog } from '#kernel/log.ts';
import { Sampler } from '#metrics/sampler.ts';
import { SampleTable } from '#metrics/sample-table.ts';
import { presentValues } from '#test/collected-samples.ts';

const [root = '', mounts = '0', ticks = '0'] = process.argv.slice(2);
const INTERVAL_MS = 400;

/** More than libuv's pool has threads, as when a file server with many mounts is gone. */
for (let at = 0; at < Number(mounts); at += 1) mountHung(join(root, `hung-${at}`));
mountTmpfs(join(root, 'beside'));
// Process 1 does not see the mounts of this namespace; so it is left out.
mkdirSync(join(root, 'proc'));
symlinkSync('/proc/self', join(root, 'proc/self'));
const table = new SampleTable();
const collectors = createExtraHostCollectors({
  ...{ table, clock: systemClock, log: silentLog, procRoot: join(root, 'proc'), sysRoot: '/sys' },
  enabled: (name) => name === 'filesystem',
});
const sampler = new Sampler({
  ...{ clock: systemClock, log: silentLog, table, collectors, intervalMs: INTERVAL_MS },
});
const enough = Promise.withResolvers<void>();
let count = 0;
sampler.onTick(() => {
  count += 1;
  process.stdout.write(`${JSON.stringify(presentValues(table))}\n`);
  if (count === Number(ticks)) enough.resolve();
});
sampler.start();
const held = setInterval(() => undefined, 1000);
await enough.promise;
await sampler[Symbol.asyncDispose]();
// The four threads that all file access shares are all there.
await Promise.all(Array.from({ length: 8 }, () => statfs('/')));
process.stdout.write(`${JSON.stringify({ end: true, rss: process.memoryUsage().rss })}\n`);
clearInterval(held);

/** A FUSE file system without a server: requests wait in the open descriptor for ever. */
function mountHung(directory: string): void {
  mkdirSync(directory);
  const device = openSync('/dev/fuse', 'r+');
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';
  run('mount', ['-i', '-t', 'fuse', '-o', options, 'hung', directory], device);
}

function mountTmpfs(directory: string): void {
  mkdirSync(directory);
  run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'beside', directory]);
}

function run(program: string, args: readonly string[], third?: number): void {
  const extra = third === undefined ? [] : [third];
  const stdio = ['ignore', 'ignore', 'inherit', ...extra] as const;
  const { status, error } = spawnSync(program, args, { stdio: [...stdio] });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')} failed`);
}
