import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { Code, ConnectError } from '@connectrpc/connect';

import { runFake } from '#apps/drover/client/fake-api.ts';
import type { FakeApi } from '#apps/drover/client/fake-api.ts';
import { lastLines } from '#apps/drover/client/console-stream.ts';
import { FakeTerminal } from '#apps/drover/fake-terminal.ts';
import { VmState } from '#gen/vmprovisioner/v1/vm_pb.js';
import { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';

const INTERRUPTED = new DroverError('cancelled', 'interrupted');

function chunk(offset: number, text: string) {
  const data = Buffer.from(text);
  return { offset: BigInt(offset), data, nextOffset: BigInt(offset + data.length) };
}

/** Never resolves; rejects as a server does whose caller hangs up. */
function untilHangUp(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(new ConnectError('gone', Code.Canceled)));
  return promise;
}

const lost = () => new ConnectError('the server is stopping', Code.Unavailable);

describe('drover vm watch', () => {
  const event = (id: number, message: string) => ({
    ...{ eventId: BigInt(id), at: '2026-01-01T00:00:00.000Z', vmId: 'vm_1' },
    ...{ kind: 'machine.state-changed', state: VmState.RUNNING, previousState: VmState.CREATED },
    message,
  });

  it('prints events, and goes on after the last one when the connection is lost', async () => {
    const stop = new AbortController();
    const asked: (bigint | undefined)[] = [];
    const api: FakeApi = {
      machines: {
        async *watch({ afterEventId }, { signal }) {
          asked.push(afterEventId);
          if (asked.length === 1) {
            yield event(7, 'one');
            throw lost();
          }
          if (asked.length === 2) throw lost();
          yield event(8, 'two');
          await untilHangUp(signal);
        },
      },
    };
    const clock = new FakeClock();
    const terminal = new FakeTerminal();
    const run = runFake(['vm', 'watch'], { api, clock, terminal, signal: stop.signal });
    await terminal.shows('trying again in 0.5 s');
    await clock.advance(500);
    await terminal.shows('trying again in 1 s');
    await clock.advance(1000);
    await terminal.shows('two');
    stop.abort(INTERRUPTED);
    assert.equal(await run.exitCode, 130);
    assert.deepEqual(asked, [undefined, 7n, 7n]);
    assert.equal(
      terminal.out,
      '7 2026-01-01T00:00:00.000Z vm_1 machine.state-changed created → running: one\n' +
        '8 2026-01-01T00:00:00.000Z vm_1 machine.state-changed created → running: two\n',
    );
  });

  it('gives up at once on what asking again cannot mend', async () => {
    const api: FakeApi = {
      machines: {
        watch() {
          throw new ConnectError('no', Code.Unauthenticated);
        },
      },
    };
    const { terminal, exitCode } = runFake(['vm', 'watch', '--after', '0'], { api });
    assert.equal(await exitCode, 4);
    assert.match(terminal.notes, /^drover: no\n {2}give a token/);
  });
});

describe('drover vm console', () => {
  it('prints the bytes of the guest as they are', async () => {
    const api: FakeApi = {
      machines: {
        async *console({ offset, follow }) {
          assert.equal(offset, 0n);
          assert.equal(follow, false);
          yield chunk(0, 'a\u001B[1mb\n');
          yield { ...chunk(900, 'c'), truncated: true };
        },
      },
    };
    const { terminal, exitCode } = runFake(['vm', 'console', 'vm_1'], { api });
    assert.equal(await exitCode, 0);
    assert.equal(terminal.out, 'a\u001B[1mb\nc');
    assert.equal(terminal.notes, 'drover: earlier output is no longer kept\n');
  });

  it('follows from the last lines on, across a lost connection', async () => {
    const stop = new AbortController();
    const asked: string[] = [];
    const api: FakeApi = {
      machines: {
        async *console({ offset, follow }, { signal }) {
          asked.push(`${offset} ${follow}`);
          if (asked.length === 1) yield chunk(0, 'one\ntwo\nthree\n');
          if (asked.length === 2) {
            yield chunk(14, 'four\n');
            throw lost();
          }
          if (asked.length === 3) {
            yield chunk(19, 'five\n');
            await untilHangUp(signal);
          }
        },
      },
    };
    const clock = new FakeClock();
    const terminal = new FakeTerminal();
    const argv = ['vm', 'console', '-f', '--tail', '2', 'vm_1'];
    const run = runFake(argv, { api, clock, terminal, signal: stop.signal });
    await terminal.shows('trying again');
    await clock.advance(500);
    await terminal.shows('five');
    stop.abort(INTERRUPTED);
    assert.equal(await run.exitCode, 130);
    assert.equal(terminal.out, 'two\nthree\nfour\nfive\n');
    assert.deepEqual(asked, ['-262144 false', '14 true', '19 true']);
  });
});

describe('lastLines', () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ['a\nb\nc\n', 2, 'b\nc\n'],
    ['a\nb\nc', 2, 'b\nc'],
    ['a\nb\n', 9, 'a\nb\n'],
    ['a\nb\n', 0, ''],
    ['', 3, ''],
    ['\n\n\n', 1, '\n'],
    ['one', 1, 'one'],
  ];
  for (const [text, lines, expected] of cases) {
    it(`of ${JSON.stringify(text)}, ${lines}`, () => {
      assert.equal(lastLines(Buffer.from(text), lines).toString(), expected);
    });
  }
});

describe('drover vm run', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'drover-run-'));
    await writeFile(join(directory, 'vm.json'), '{}');
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  interface Guest {
    readonly deleted: string[];
    readonly api: FakeApi;
    powerOff(): void;
  }

  /** Prints a line when followed, another one when it is asked to power off. */
  function startGuest(): Guest {
    const off = Promise.withResolvers<void>();
    const deleted: string[] = [];
    const api: FakeApi = {
      vms: {
        createVm: () => ({ vmId: 'vm_1', state: VmState.CREATED }),
        bootVm: () => ({ success: true, state: VmState.RUNNING }),
        deleteVm({ vmId, force }) {
          deleted.push(`${vmId} ${force}`);
          return { success: true };
        },
      },
      machines: {
        async *console({ offset, follow }, { signal }) {
          if (offset === 0n) yield chunk(0, 'ready\n');
          if (follow) await untilHangUp(signal);
          else yield chunk(6, 'bye\n');
        },
        async *watch({ afterEventId, vmIds }) {
          assert.equal(afterEventId, 0n);
          assert.deepEqual(vmIds, ['vm_1']);
          yield { eventId: 1n, kind: 'machine.created', state: VmState.CREATED };
          await off.promise;
          const message = 'the guest powered off';
          yield { eventId: 2n, kind: 'machine.state-changed', state: VmState.SHUTDOWN, message };
        },
      },
    };
    return { deleted, api, powerOff: off.resolve };
  }

  const run = (argv: readonly string[], guest: Guest, signal?: AbortSignal) =>
    runFake(['vm', 'run', './vm.json', ...argv], {
      api: guest.api,
      env: { currentDir: directory },
      ...(signal === undefined ? {} : { signal }),
    });

  it('shows the console to its last byte, and ends when the guest is off', async () => {
    const guest = startGuest();
    const { terminal, exitCode } = run([], guest);
    await terminal.shows('ready');
    guest.powerOff();
    assert.equal(await exitCode, 0);
    assert.equal(terminal.out, 'ready\nbye\n');
    assert.match(terminal.notes, /drover: vm_1 is off: the guest powered off\n$/);
    assert.deepEqual(guest.deleted, []);
  });

  it('leaves the machine running at Ctrl-C, and says so', async () => {
    const guest = startGuest();
    const stop = new AbortController();
    const { terminal, exitCode } = run([], guest, stop.signal);
    await terminal.shows('ready');
    stop.abort(INTERRUPTED);
    assert.equal(await exitCode, 130);
    assert.match(terminal.notes, /vm_1 is still there; see it again with: drover vm console -f/);
    assert.deepEqual(guest.deleted, []);
  });

  it('deletes the machine at Ctrl-C with --rm', async () => {
    const guest = startGuest();
    const stop = new AbortController();
    const { terminal, exitCode } = run(['--rm'], guest, stop.signal);
    await terminal.shows('ready');
    stop.abort(INTERRUPTED);
    assert.equal(await exitCode, 130);
    assert.deepEqual(guest.deleted, ['vm_1 true']);
    assert.match(terminal.notes, /vm_1 is deleted\n$/);
  });

  it('ends when the text it waits for appears', async () => {
    const guest = startGuest();
    const { terminal, exitCode } = run(['--until', 'ready'], guest);
    assert.equal(await exitCode, 0);
    assert.equal(terminal.out, 'ready\n');
  });

  it('prints just the id with --detach', async () => {
    const { terminal, exitCode } = run(['-d'], startGuest());
    assert.equal(await exitCode, 0);
    assert.equal(terminal.out, 'vm_1\n');
    assert.equal(terminal.notes, '');
  });

  it('says where the machine is when it does not boot', async () => {
    const guest = startGuest();
    const failing: Guest = {
      ...guest,
      api: {
        ...guest.api,
        vms: {
          ...guest.api.vms,
          bootVm() {
            throw new ConnectError('no memory left', Code.ResourceExhausted);
          },
        },
      },
    };
    const { terminal, exitCode } = run([], failing);
    assert.equal(await exitCode, 7);
    assert.match(terminal.notes, /vm_1 is still there.*drover: no memory left/s);
  });
});
