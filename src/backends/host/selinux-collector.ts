/** Whether SELinux is on, and what it does. */
import { readFileSync } from 'node:fs';
import type { Collector } from '#metrics/collector.ts';
import { type CollectorContext, createCollector, family, SeldomTurn } from './collector-context.ts';
import { readSysfsInteger } from './sysfs-file.ts';

const ENABLED = family('node_selinux_enabled', 'gauge', 'Whether SELinux is on.');
const CONFIGURED = family(
  'node_selinux_config_mode',
  'gauge',
  'What SELinux is to do from boot on: 1 enforce, 0 only tell, -1 nothing.',
);
const CURRENT = family(
  'node_selinux_current_mode',
  'gauge',
  'What SELinux does now: 1 enforce, 0 only tell.',
);
const MODES: Readonly<Record<string, number>> = { enforcing: 1, permissive: 0, disabled: -1 };

export function createSelinuxCollector(context: CollectorContext): Collector {
  const { table, sysRoot, fileRoot } = context;
  const enabled = table.family(ENABLED).series();
  const configured = table.family(CONFIGURED).series();
  const current = table.family(CURRENT).series();
  const turn = new SeldomTurn();
  let mode: number | undefined;
  let configuredMode = NaN;
  return createCollector({
    name: 'selinux',
    collect(tick) {
      if (turn.isDue(tick)) {
        mode = readSysfsInteger(`${sysRoot}/fs/selinux/enforce`);
        if (mode !== undefined) configuredMode = readConfiguredMode(fileRoot);
      }
      enabled.set(mode === undefined ? 0 : 1);
      if (mode === undefined) return;
      current.set(mode);
      configured.set(configuredMode);
    },
  });
}

function readConfiguredMode(fileRoot: string): number {
  try {
    const text = readFileSync(`${fileRoot}/etc/selinux/config`, 'utf8');
    return MODES[/^\s*SELINUX\s*=\s*(\w+)/m.exec(text)?.[1]?.toLowerCase() ?? ''] ?? NaN;
  } catch {
    // On without a configuration: then nothing is configured.
    return NaN;
  }
}
