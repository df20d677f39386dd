/** What must be true of a host at every quiet moment, whatever happened on it before. */
import assert from 'node:assert/strict';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { ask, callMachines, type Json } from '#test/api-client.ts';
import type { DroverHost } from '#test/drover-host.ts';

export interface GuestProcess {
  readonly vmId: string;
  readonly pid: number;
}

const LOOK_MS = 20;

export const sleep = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));

/** Every QEMU of this host, two of the same machine included, and those whose folder is gone. */
export async function guestProcesses(host: DroverHost): Promise<GuestProcess[]> {
  const found: GuestProcess[] = [];
  const start = `${join(host.dataDir, 'machines')}/`;
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    // Whatever ends while it is looked at is not there.
    const place = Number.isInteger(pid) ? await readlink(`/proc/${name}/cwd`).catch(() => '') : '';
    if (!place.startsWith(start)) continue;
    const program = await readFile(`/proc/${name}/comm`, 'utf8').catch(() => '');
    const vmId = place.slice(start.length).split(/[ /]/)[0] ?? '';
    if (program.startsWith('qemu-system')) found.push({ vmId, pid });
  }
  return found;
}

async function listVms(host: DroverHost): Promise<Json[]> {
  const { vms, total_count: total } = await ask(host, 'ListVms', { page_size: 1000 });
  assert.equal(total, vms.length, 'the counters agree with the list');
  return vms;
}

export interface WrittenCommand {
  readonly vmId: string;
  readonly kind: string;
  readonly isEnded: boolean;
}

/** Every command in the database, in the order of asking; also of a server that was killed. */
export function writtenCommands({ dataDir }: DroverHost): WrittenCommand[] {
  using database = new DatabaseSync(join(dataDir, 'drover.db'));
  const query = 'SELECT machine_id, command, ended_at FROM machine_intents ORDER BY sequence';
  const rows = database.prepare(query).all();
  return rows.map((row) => ({
    vmId: String(row['machine_id']),
    kind: JSON.parse(String(row['command'])).kind,
    isEnded: row['ended_at'] !== null,
  }));
}

/** Returns when no command is under way. */
export async function settled(host: DroverHost, timeoutMs = 30_000): Promise<void> {
  await eventually(async () => {
    const pending = writtenCommands(host).filter(({ isEnded }) => !isEnded);
    assert.deepEqual(pending, [], 'still under way');
    await Promise.resolve();
  }, timeoutMs);
}

/** Asks until it passes; what it threw last is the failure. */
export async function eventually(check: () => Promise<void>, timeoutMs = 10_000): Promise<void> {
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (thrown) {
      if (performance.now() >= endsAt) throw thrown;
    }
    await sleep(LOOK_MS);
  }
}

/**
 * A machine has one process when it is on and none when it is off; nothing runs, and no folder
 * lies about, without a machine; the quota counts what there is. Answers the states by id.
 */
export async function assertSound(host: DroverHost): Promise<Map<string, string>> {
  const vms = await listVms(host);
  const states = new Map<string, string>(vms.map((vm) => [vm.vm_id, vm.state]));
  const processes = await guestProcesses(host);
  const isOn = (id: string) => /RUNNING|PAUSED/.test(states.get(id) ?? '');
  const on = [...states.keys()].filter(isOn).toSorted();
  const described = JSON.stringify({ states: [...states], processes });
  assert.deepEqual(processes.map(({ vmId }) => vmId).toSorted(), on, described);
  const strays = (await host.machineDirs()).filter((id) => !states.has(id));
  assert.deepEqual(strays, [], 'folders without a machine');
  const { use } = (await callMachines(host, 'GetQuota')).json;
  const [machines, memory] = [vms.length, vms.length * 128 * 1024 * 1024];
  assert.deepEqual(use, { machines, vcpus: machines, memory_bytes: memory });
  return states;
}

/** Nothing at all is left of any machine. */
export async function assertEmpty(host: DroverHost): Promise<void> {
  assert.deepEqual([...(await assertSound(host)).keys()], []);
  assert.deepEqual(await host.machineDirs(), []);
}

/** The body of an answer that says what is wrong, and nothing of how Drover is made. */
export function assertClearError(answer: Json): void {
  assert.ok(answer.status >= 400 && answer.status !== 500, `status ${answer.status}`);
  assert.notEqual(answer.code, 'internal');
  assert.ok(answer.message.length > 10 && /^[A-Z_]+$/.test(answer.reason), answer.text);
  assert.doesNotMatch(answer.text, /\n\s+at |node:|\.ts\b|SQLITE|ENOSPC|undefined/);
}
