import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '#kernel/clock.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { parseLibvirtUri, type LibvirtUri } from '#transfers/libvirt-uri.ts';
import { until } from '#test/until.ts';
import { ProcessVirsh, type RunningVirsh } from './virsh.ts';

/** The hypervisor inside of virsh itself, for those who try it out. */
const TEST: LibvirtUri = { text: 'test:///default', scope: 'system', isLocal: true };
const signal = new AbortController().signal;
const HOLDER = join(import.meta.dirname, '../../../test/fault/hold-until-killed.ts');
const FOR_EVER = ['event', '--domain=test', '--event=lifecycle'] as const;

describe('ProcessVirsh', () => {
  it('answers what virsh prints, and takes no value for an option', async () => {
    const virsh = new ProcessVirsh({ uri: TEST, clock: systemClock, environment: {} });
    assert.equal((await virsh.run(['list', '--all', '--name'], { signal })).trim(), 'test');
    await assert.rejects(virsh.run(['domstate', '--domain=--help'], { signal }), {
      kind: 'not_found',
      message: /failed to get domain '--help'/,
    });
  });

  it('tells when there is nobody to be asked', async () => {
    const uri = parseLibvirtUri('qemu+unix:///session?socket=/nonexistent/libvirt-sock');
    const virsh = new ProcessVirsh({ uri, clock: systemClock, environment: {} });
    await assert.rejects(virsh.run(['version'], { signal }), { kind: 'unavailable' });
  });

  it('ends virsh when it is told to, and when it takes too long', async () => {
    const clock = new FakeClock();
    const virsh = new ProcessVirsh({ uri: TEST, clock, environment: {} });
    const stop = new AbortController();
    const stopped = virsh.run(FOR_EVER, { signal: stop.signal });
    stop.abort(new Error('cancelled'));
    await assert.rejects(stopped, /^Error: cancelled$/);
    await assert.rejects(virsh.run(FOR_EVER, { signal: stop.signal }), /^Error: cancelled$/);
    const slow = virsh.run(FOR_EVER, { signal, timeoutMs: 5000 });
    await clock.advance(5000);
    await assert.rejects(slow, { kind: 'unavailable', reason: 'LIBVIRT_SILENT' });
  });

  it('stands still for whoever attends it, goes on, and tells them of its end', async () => {
    const virsh = new ProcessVirsh({ uri: TEST, clock: systemClock, environment: {} });
    const stop = new AbortController();
    const seen: string[] = [];
    const attend = async (running: RunningVirsh) => {
      running.hold();
      seen.push(await stateWhen(running.pid, 'T'));
      running.release();
      seen.push(await stateWhen(running.pid, 'S'));
      running.hold();
      await stateWhen(running.pid, 'T');
      stop.abort(new Error('cancelled'));
      await once(running.ended, 'abort');
      seen.push('ended');
    };
    const running = virsh.run(FOR_EVER, { signal: stop.signal, attend });
    await assert.rejects(running, /^Error: cancelled$/);
    assert.deepEqual(seen, ['T', 'S', 'ended']);
  });

  it('ends with whoever attends it and fails', async () => {
    const virsh = new ProcessVirsh({ uri: TEST, clock: systemClock, environment: {} });
    const attend = () => Promise.reject(new Error('the attendant fell ill'));
    await assert.rejects(virsh.run(FOR_EVER, { signal, attend }), /fell ill/);
  });

  it('does not outlive a Drover that is killed while it holds it', async () => {
    const holder = spawn(process.execPath, [HOLDER], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(holder.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    try {
      await stateWhen(pid, 'T');
      holder.kill('SIGKILL');
      await stateWhen(pid, undefined);
    } catch (thrown) {
      process.kill(pid, 'SIGKILL');
      throw thrown;
    }
  });
});

/** `T`: it stands still; undefined: there is no such process. */
async function stateWhen(pid: number, wanted: 'T' | 'S' | undefined): Promise<string> {
  const look = async () => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    const state = stat === undefined ? undefined : /\) (\S)/.exec(stat)?.[1];
    const isGone = state === undefined || state === 'Z' || state === 'X';
    return (wanted === undefined ? isGone : state === wanted) ? (state ?? '') : undefined;
  };
  return await until(look, `the process ${pid} to be ${wanted ?? 'gone'}`);
}
