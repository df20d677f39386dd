/** What every implementation of the port Hypervisor does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DroverError } from '#kernel/errors.ts';
import type { CustomerId, MachineId } from '#kernel/ids.ts';
import type { ConsoleLog, Hypervisor, LaunchRequest, RunningGuest } from '#machines/hypervisor.ts';
import type { MachineSpec } from '#machines/machine-spec.ts';

export interface HypervisorHarness extends AsyncDisposable {
  readonly hypervisor: Hypervisor;
  /** Another instance over the same host, as after a restart of Drover. */
  reopen(): Hypervisor;
  /** A machine that this host can start. */
  readonly spec: MachineSpec;
  /** Something that its console shows once it is up, with what it says to the power button. */
  readonly ready: string;
  /** Ends the guest's process behind the hypervisor's back. */
  killFromOutside(id: MachineId, guest: RunningGuest): void;
}

const NEVER = new AbortController().signal;
const FIRST = 'vm_contract_1' as MachineId;
const SECOND = 'vm_contract_2' as MachineId;

export function launchRequest(id: MachineId, spec: MachineSpec): LaunchRequest {
  return { machineId: id, customerId: 'customer-1' as CustomerId, spec, nics: [] };
}

/** Reads the console from its beginning until it holds the text. */
export async function waitForConsole(
  console: ConsoleLog,
  text: string,
  options: { readonly timeoutMs?: number; readonly offset?: number } = {},
): Promise<string> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? 60_000);
  let offset = options.offset ?? 0;
  let seen = '';
  while (!seen.includes(text)) {
    const chunk = await console.read(offset, 64 * 1024);
    seen += Buffer.from(chunk.data).toString('latin1');
    offset = chunk.nextOffset;
    if (chunk.data.length > 0) continue;
    try {
      await console.changed(signal);
    } catch (thrown) {
      throw new Error(`no ${JSON.stringify(text)} in ${JSON.stringify(seen.slice(-1500))}`, {
        cause: thrown,
      });
    }
  }
  return seen;
}

export function testHypervisor(
  name: string,
  open: () => Promise<HypervisorHarness>,
  { skip }: { readonly skip: string | false } = { skip: false },
): void {
  describe(`${name} as a hypervisor`, { skip }, () => {
    testLaunch(open);
    testControl(open);
    testEnd(open);
    testDiscard(open);
  });
}

function testLaunch(open: () => Promise<HypervisorHarness>): void {
  it('launches a guest whose processors run and whose console is read', async () => {
    await using harness = await open();
    const { hypervisor, spec, ready } = harness;
    await using guest = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    assert.equal(await guest.status(NEVER), 'running');
    assert.ok(guest.record.pid > 0);
    const seen = await waitForConsole(hypervisor.console(FIRST), ready);
    const log = hypervisor.console(FIRST);
    const tail = await log.read(-5, 100);
    assert.equal(tail.data.length, 5);
    const all = await log.read(0, 1024 * 1024);
    assert.ok(Buffer.from(all.data).toString('latin1').startsWith(seen.slice(0, 20)));
    await guest.kill(NEVER);
  });

  it('finds a machine that runs instead of launching it twice', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    const first = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    await first[Symbol.asyncDispose]();
    await using second = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    assert.equal(second.record.pid, first.record.pid);
    await second.kill(NEVER);
  });

  it('launches nothing for a caller that has gone', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    const gone = AbortSignal.abort(new DroverError('cancelled', 'the caller has gone'));
    await assert.rejects(hypervisor.launch(launchRequest(FIRST, spec), gone), {
      kind: 'cancelled',
    });
    assert.equal(await hypervisor.adopt(FIRST, undefined, NEVER), undefined);
  });

  it('adopts a running guest from its record, and without one', async () => {
    await using harness = await open();
    const first = await harness.hypervisor.launch(launchRequest(FIRST, harness.spec), NEVER);
    await first[Symbol.asyncDispose]();
    const reopened = harness.reopen();
    const byRecord = await reopened.adopt(FIRST, first.record, NEVER);
    assert.equal(byRecord?.record.pid, first.record.pid);
    assert.equal(byRecord?.record.startTicks, first.record.startTicks);
    await byRecord?.[Symbol.asyncDispose]();
    await using guest = await reopened.adopt(FIRST, undefined, NEVER);
    assert.equal(guest?.record.pid, first.record.pid);
    assert.equal(await guest?.status(NEVER), 'running');
    await guest?.kill(NEVER);
    assert.equal((await guest?.exited)?.reason, 'killed');
  });

  it('adopts nothing where nothing runs', async () => {
    await using harness = await open();
    const record = { pid: 1, startTicks: 1, socketPath: '/nowhere', argv: [] };
    assert.equal(await harness.hypervisor.adopt(FIRST, undefined, NEVER), undefined);
    assert.equal(await harness.hypervisor.adopt(FIRST, record, NEVER), undefined);
  });
}

function testControl(open: () => Promise<HypervisorHarness>): void {
  it('pauses, resumes and resets a guest, each as often as it is told to', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    await using guest = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    await guest.pause(NEVER);
    await guest.pause(NEVER);
    assert.equal(await guest.status(NEVER), 'paused');
    await guest.resume(NEVER);
    await guest.resume(NEVER);
    assert.equal(await guest.status(NEVER), 'running');
    await guest.pause(NEVER);
    await guest.reset(NEVER);
    assert.equal(await guest.status(NEVER), 'running');
    await guest.kill(NEVER);
  });

  it('counts what a guest uses', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    await using guest = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    const stats = await guest.stats(NEVER);
    assert.ok(stats.cpuTimeNanos > 0);
    assert.ok(stats.memoryBytes > 0);
    assert.equal(stats.cpuPercent, undefined);
    const [one, other] = await Promise.all([guest.stats(NEVER), guest.stats(NEVER)]);
    assert.deepEqual(one, other);
    await guest.kill(NEVER);
  });

  it('keeps the guests of two machines apart', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    await using first = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    await using second = await hypervisor.launch(launchRequest(SECOND, spec), NEVER);
    assert.notEqual(first.record.pid, second.record.pid);
    assert.deepEqual((await hypervisor.leftovers(NEVER)).toSorted(), [FIRST, SECOND]);
    await first.kill(NEVER);
    assert.equal(await second.status(NEVER), 'running');
    await second.kill(NEVER);
  });
}

function testEnd(open: () => Promise<HypervisorHarness>): void {
  it('powers a guest off by asking it', async () => {
    await using harness = await open();
    const { hypervisor, spec, ready } = harness;
    await using guest = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    await waitForConsole(hypervisor.console(FIRST), ready);
    await guest.askToPowerOff(NEVER);
    const exit = await guest.exited;
    assert.equal(exit.reason, 'guest-poweroff');
    await assert.rejects(async () => await guest.status(NEVER), { kind: 'unavailable' });
  });

  it('tells when a process was ended by somebody else', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    await using guest = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    harness.killFromOutside(FIRST, guest);
    assert.equal((await guest.exited).reason, 'process-died');
    assert.equal(await hypervisor.adopt(FIRST, guest.record, NEVER), undefined);
  });

  it('kills a guest, and a guest that is gone once more', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    await using guest = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    await guest.kill(NEVER);
    assert.equal((await guest.exited).reason, 'killed');
    await guest.kill(NEVER);
    assert.equal(await hypervisor.adopt(FIRST, guest.record, NEVER), undefined);
  });

  it('launches again what has ended, and goes on with its console', async () => {
    await using harness = await open();
    const { hypervisor, spec, ready } = harness;
    const log = hypervisor.console(FIRST);
    const first = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    await waitForConsole(log, ready);
    await first.kill(NEVER);
    const { nextOffset } = await log.read(-1, 10);
    await using second = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    assert.notEqual(second.record.pid, first.record.pid);
    await waitForConsole(log, ready, { offset: nextOffset });
    await second.kill(NEVER);
  });
}

function testDiscard(open: () => Promise<HypervisorHarness>): void {
  it('discards a machine so that nothing is left of it, as often as it is told to', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    await using guest = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    await guest.kill(NEVER);
    assert.deepEqual(await hypervisor.leftovers(NEVER), [FIRST]);
    await hypervisor.discard(FIRST, NEVER);
    assert.deepEqual(await hypervisor.leftovers(NEVER), []);
    assert.equal((await hypervisor.console(FIRST).read(0, 100)).data.length, 0);
    await hypervisor.discard(FIRST, NEVER);
  });

  it('discards a machine that still runs together with its process', async () => {
    await using harness = await open();
    const { hypervisor, spec } = harness;
    await using guest = await hypervisor.launch(launchRequest(FIRST, spec), NEVER);
    await hypervisor.discard(FIRST, NEVER);
    await guest.exited;
    assert.equal(await hypervisor.adopt(FIRST, guest.record, NEVER), undefined);
    assert.deepEqual(await hypervisor.leftovers(NEVER), []);
  });

  it('says whether it can run guests', async () => {
    await using harness = await open();
    const health = await harness.hypervisor.health(NEVER);
    assert.equal(health.isHealthy, true);
    assert.notEqual(health.message, '');
  });
}
