/** What QEMU thinks of a disk image (Debian: qemu-utils). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ImageOnDisk {
  readonly path: string;
  readonly format: 'raw' | 'qcow2' | 'vmdk';
}

interface CheckReport {
  readonly 'check-errors': number;
  readonly corruptions?: number;
  readonly leaks?: number;
  readonly 'allocated-clusters'?: number;
  readonly 'compressed-clusters'?: number;
}

/** Fails when there is anything at all to complain of. */
export async function assertSound({ path, format }: ImageOnDisk): Promise<CheckReport> {
  const args = ['check', '--output=json', '-f', format, path];
  const { stdout } = await run('qemu-img', args).catch(failWithOutput);
  const report = JSON.parse(stdout) as CheckReport;
  assert.equal(report['check-errors'], 0, stdout);
  assert.equal(report.corruptions ?? 0, 0, stdout);
  assert.equal(report.leaks ?? 0, 0, stdout);
  return report;
}

/** Their sizes as well. */
export async function assertSameDisk(one: ImageOnDisk, other: ImageOnDisk): Promise<void> {
  const args = ['compare', '-f', one.format, '-F', other.format, one.path, other.path];
  const { stdout } = await run('qemu-img', args).catch(failWithOutput);
  // With a difference in their sizes alone it only warns.
  assert.equal(stdout, 'Images are identical.\n');
}

/** The image may have ended it, or there is none. */
function failWithOutput(thrown: Error & { readonly stdout?: string }): never {
  assert.fail(`${thrown.message}\n${thrown.stdout ?? ''}`);
}

export async function convertImage(from: ImageOnDisk, to: ImageOnDisk): Promise<void> {
  await run('qemu-img', ['convert', '-f', from.format, '-O', to.format, from.path, to.path]);
}
