import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const MOUNTS = 6;
const TICKS = 5;
const SCRIPT = fileURLToPath(new URL('./measure-hung-mounts.ts', import.meta.url));

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'mounting a file system that hangs takes root';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return false;
  } catch {
    return 'there is no /dev/fuse here to make a file system that hangs';
  }
}

describe('beside mounts that never answer', { skip: reasonToSkip() }, () => {
  it('measures all other filesystems in every sample, and ends when it is told to', async () => {
    const root = mkdtempSync(join(tmpdir(), 'drover-hung-'));
    const args = ['--mount', process.execPath, SCRIPT, root, String(MOUNTS), String(TICKS)];
    const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    try {
      const lines: Record<string, number>[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        lines.push(JSON.parse(line) as Record<string, number>);
      }
      const [exitCode] = (await exited) as [number | null];
      assert.equal(exitCode, 0);
      assert.equal(lines.length, TICKS + 1);
      const labels = (device: string, fstype: string, name: string) =>
        `{device="${device}",fstype="${fstype}",mountpoint="${join(root, name)}"}`;
      for (const values of lines.slice(0, TICKS)) {
        const beside = labels('beside', 'tmpfs', 'beside');
        assert.equal(values[`node_filesystem_size_bytes${beside}`], 1024 * 1024);
        assert.equal(values[`node_filesystem_device_error${beside}`], 0);
        assert.equal(values['node_scrape_collector_success{collector="filesystem"}'], 1);
        for (let at = 0; at < MOUNTS; at += 1) {
          const hung = labels('hung', 'fuse', `hung-${at}`);
          assert.equal(values[`node_filesystem_device_error${hung}`], 1);
          assert.equal(values[`node_filesystem_size_bytes${hung}`], undefined);
        }
      }
    } finally {
      child.kill('SIGKILL');
      rmSync(root, { recursive: true });
    }
  });
});
