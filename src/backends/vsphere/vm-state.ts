/**
 * Names the state that a VM was left in. What its disks hold is not among what vSphere tells, but
 * each start begins another log file, and each change of the VM another version of its
 * configuration; snapshots change the files that the disks are in.
 */
import { createHash } from 'node:crypto';
import type { SourceVmDisk } from '#transfers/source-vm.ts';
import type { PropertyBag } from './property-collector.ts';

const VERSION = 'config.changeVersion';
const FILES = 'layoutEx.file';
export const VM_STATE_PATHS: readonly string[] = [VERSION, FILES];

export function readState(
  vm: Pick<PropertyBag, 'element' | 'text'>,
  disks: readonly Pick<SourceVmDisk, 'key' | 'path' | 'changeId'>[],
): string {
  const files = vm.element(FILES)?.children ?? [];
  const logs = files.filter((file) => file.textOf('type') === 'log');
  const names = logs.map((file) => file.textOf('name') ?? '');
  const facts = [
    vm.text(VERSION),
    // Their sizes are not told at once, and say nothing that their names do not.
    names.toSorted((one, other) => (one < other ? -1 : Number(one > other))),
    disks.map(({ key, path, changeId }) => [key, path, changeId]),
  ];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);
}
