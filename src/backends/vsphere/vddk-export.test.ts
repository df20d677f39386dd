/**
 * With govmomi's simulator, and Debian's nbdkit behind a script that stands for one with the plugin
 * for VDDK, which Debian 12 has not.
 */
import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { NbdSource } from '#disks/nbd/nbd-source.ts';
import { createRawReader } from '#disks/raw/raw-reader.ts';
import { systemClock } from '#kernel/clock.ts';
import type { DroverError } from '#kernel/errors.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import { silentLog } from '#kernel/log.ts';
import { MIB } from '#kernel/units.ts';
import { someBytes, writeDisk } from '#test/disks/generated-disk.ts';
import { assertSameContent } from '#test/disks/same-content.ts';
import { until } from '#test/until.ts';
import { openNbdkitStandIn, type NbdkitStandIn } from '#test/vsphere/nbdkit-stand-in.ts';
import { openVSphere, type VSphereFixture } from '#test/vsphere/open-vsphere.ts';
import type { Export, ExportedDisk, Source } from '#transfers/source.ts';
import { VddkParts } from './vddk-parts.ts';
import { VSphereSourceOpener } from './vsphere-source-opener.ts';

const SIGNAL = new AbortController().signal;
const CAPACITY = 6 * MIB;
const NAMES = ['web', 'runs', 'kept'];

const owned = new AsyncDisposableStack();
let directory: string;
let disk: string;
let vsphere: VSphereFixture;
let standIn: NbdkitStandIn;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'drover-vddk-export-'));
  owned.defer(() => rmSync(directory, { recursive: true }));
  disk = join(directory, 'disk.raw');
  const writes = [{ offset: MIB, data: someBytes(1, 2 * MIB) }];
  writeDisk(disk, { bytes: CAPACITY, writes });
  const disks = [{ path: disk, changeId: '52/1' }, { path: disk }];
  vsphere = owned.use(
    await openVSphere({
      vms: [
        { name: 'web', disks },
        { name: 'runs', disks, poweredOn: true },
        { name: 'kept', disks, snapshots: ['before', 'after'] },
      ],
    }),
  );
  standIn = owned.use(await openNbdkitStandIn({ vsphere, vms: NAMES }));
});
after(() => owned.disposeAsync());

interface OpenSource extends AsyncDisposable {
  readonly source: Source;
  readonly exportOf: (vm: string, signal?: AbortSignal) => Promise<Export>;
}

async function openSource({
  nbdkit,
  vddkLibrary,
}: Pick<NbdkitStandIn, 'nbdkit' | 'vddkLibrary'> = standIn): Promise<OpenSource> {
  await using stack = new AsyncDisposableStack();
  const settings = { nbdkit, library: vddkLibrary, environment: {} };
  const vddk = new VddkParts(settings, systemClock);
  const options = { clock: systemClock, log: silentLog, firstRetryMs: 1, vddk };
  const opener = stack.use(new VSphereSourceOpener(options));
  const source = stack.use(await opener.open(vsphere.login, SIGNAL));
  const closing = stack.move();
  return {
    source,
    async exportOf(name, signal = SIGNAL) {
      const vm = await source.findVm(`DC0/vm/${name}`, SIGNAL);
      return await source.openExport(vm, 'vddk', signal);
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function feedOf({ feed }: ExportedDisk) {
  assert.ok(feed.kind === 'nbd');
  return feed;
}

async function startsFor(vm: string) {
  const { value } = vsphere.vm(vm).ref;
  return (await standIn.starts()).filter(({ params }) => params.includes(`vm=moref=${value}`));
}

/** As the server shows it to anybody. */
async function shownFingerprint(): Promise<string> {
  const { hostname: host, port } = new URL(vsphere.url);
  const { promise, resolve, reject } = Promise.withResolvers<X509Certificate | undefined>();
  const options = { host, port: Number(port), rejectUnauthorized: false };
  const socket = connect(options, () => resolve(socket.getPeerX509Certificate()));
  socket.on('error', reject);
  const certificate = await promise;
  socket.destroy();
  return certificate?.fingerprint ?? '';
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}/fd`);
}

describe('an export through VDDK', () => {
  it('gives every disk over a socket that nobody else can reach', async () => {
    await using opened = await openSource();
    assert.deepEqual(opened.source.transports, ['nfc', 'datastore', 'vddk']);
    const exported = await opened.exportOf('web');
    await using _exported = exported;
    assert.equal(exported.disks.length, 2);
    for (const each of exported.disks) {
      const feed = feedOf(each);
      await using source = await NbdSource.open({ ...feed, clock: systemClock }, SIGNAL);
      await assertSameContent(createRawReader(source), disk);
      assert.equal(source.receivedBytes, 2 * MIB);
      assert.equal(statSync(dirname(feed.socketPath)).mode & 0o777, 0o700);
    }
    await exported.complete(SIGNAL);
    const starts = await startsFor('web');
    const sockets = exported.disks.map((each) => feedOf(each).socketPath);
    await exported[Symbol.asyncDispose]();
    assert.equal(exported.lost.aborted, false);
    assert.deepEqual(
      starts.map(({ pid }) => isRunning(pid)),
      [false, false],
    );
    assert.deepEqual(
      sockets.map((path) => existsSync(dirname(path))),
      [false, false],
    );
  });

  it('tells the plugin all but the password, which nobody can read', async () => {
    await using opened = await openSource();
    await using exported = await opened.exportOf('kept');
    const starts = (await startsFor('kept')).slice(-2);
    const [first] = starts;
    const { port, hostname } = new URL(vsphere.url);
    assert.deepEqual(first?.params, [
      `libdir=${standIn.vddkLibrary}`,
      ...[`server=${hostname}`, `port=${port}`, `user=${vsphere.login.username}`],
      `thumbprint=${await shownFingerprint()}`,
      `vm=moref=${vsphere.vm('kept').ref.value}`,
      'transports=nbdssl:nbd',
      `file=${vsphere.disk('kept', 'Hard disk 1').path}`,
      'password=-3',
    ]);
    assert.equal(exported.disks.length, 2);
    for (const { pid } of starts) {
      const [line, environment] = ['cmdline', 'environ'].map((name) =>
        readFileSync(`/proc/${pid}/${name}`, 'utf8'),
      );
      assert.match(line ?? '', /nbdkit/);
      assert.ok(!`${line}${environment}`.includes(vsphere.login.password));
    }
  });

  it('names what each disk holds, so that a copy can go on', async () => {
    await using opened = await openSource();
    await using exported = await opened.exportOf('web');
    const [first, second] = exported.disks;
    assert.ok(first?.isResumable === true && second?.isResumable === true);
    const { path } = vsphere.disk('web', 'Hard disk 1');
    const state = JSON.parse(feedOf(first).state) as unknown[];
    assert.deepEqual(state.slice(0, 4), [vsphere.vm('web').ref.value, path, null, '52/1']);
    assert.match(String(state[4]), /^[0-9a-f]{8}$/);
    assert.notEqual(feedOf(first).state, feedOf(second).state);
  });

  it('reads a VM that runs as it was at its snapshot, and no other that runs', async () => {
    await using opened = await openSource();
    const { source } = opened;
    await assert.rejects(opened.exportOf('runs'), { reason: 'VM_NOT_OFF' });
    const { value } = vsphere.vm('runs').ref;
    const snapshot = await source.snapshots?.create(value, 'now', SIGNAL);
    await using exported = await opened.exportOf('runs');
    assert.equal(exported.disks.length, 2);
    const [start] = await startsFor('runs');
    assert.ok(start?.params.includes(`snapshot=${snapshot}`), String(start?.params));
  });

  it('is lost when an nbdkit ends by itself, and takes the others with it', async () => {
    await using opened = await openSource();
    await using exported = await opened.exportOf('web');
    const [first, second] = (await startsFor('web')).slice(-2);
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await until(() => exported.lost.aborted || undefined, 'the loss');
    const { reason } = exported.lost as { reason: DroverError };
    assert.deepEqual([reason.kind, reason.reason], ['unavailable', 'NBDKIT_FAILED']);
    assert.match(reason.message, /^nbdkit, which reads Hard disk 1, ended \(SIGKILL\)/);
    await exported[Symbol.asyncDispose]();
    assert.equal(isRunning(second?.pid ?? 0), false);
  });

  it('says what VDDK says of a wrong password, without the password', async () => {
    const password = 'another & <word>';
    await using wrong = await openNbdkitStandIn({ vsphere, vms: NAMES, password });
    await using opened = await openSource(wrong);
    await assert.rejects(opened.exportOf('web'), (thrown: DroverError) => {
      assert.deepEqual([thrown.kind, thrown.reason], ['unauthenticated', 'VSPHERE_INVALID_LOGIN']);
      assert.match(thrown.message, /read Hard disk 1: .*incorrect user name or password/);
      assert.ok(!thrown.message.includes(vsphere.login.password));
      return true;
    });
    await assertNoneRuns(wrong);
  });

  it('says of a disk that VDDK may not read which one it is', async () => {
    await using none = await openNbdkitStandIn({ vsphere, vms: [] });
    await using opened = await openSource(none);
    await assert.rejects(opened.exportOf('web'), {
      kind: 'permission_denied',
      reason: 'VDDK_REFUSED',
      message: /^VDDK may not read Hard disk 1: .*You do not have access rights to this file/,
    });
    await assertNoneRuns(none);
  });

  it('stops at once when nobody waits for it any more', async () => {
    const nbdkit = await writeProgram('stuck', STUCK);
    await using opened = await openSource({ ...standIn, nbdkit });
    const before = leftDirectories();
    const stop = new AbortController();
    const opening = assert.rejects(opened.exportOf('web', stop.signal), /stop/);
    const pidPath = join(directory, 'stuck.pid');
    await until(() => existsSync(pidPath) || undefined, 'the start');
    const startMs = systemClock.monotonicMs();
    stop.abort(new Error('stop'));
    await opening;
    assert.ok(systemClock.monotonicMs() - startMs < 3000);
    assert.equal(isRunning(Number(readFileSync(pidPath, 'utf8'))), false);
    assert.deepEqual(leftDirectories(), before);
  });

  it('fails with what nbdkit said when it does not start', async () => {
    const says = 'echo "nbdkit: error: the library has no $(cat <&3)" >&2; exit 1';
    const nbdkit = await writeProgram('broken', `${LOOKS_WHOLE}\n${says}`);
    await using opened = await openSource({ ...standIn, nbdkit });
    await assert.rejects(opened.exportOf('web'), {
      reason: 'NBDKIT_FAILED',
      message: /reads Hard disk 1, ended \(status 1\): the library has no \*\*\*$/,
    });
  });
});

const LOOKS_WHOLE =
  '[ "$1" = --dump-plugin ] && { echo name=vddk; echo vddk_library_version=8; exit; }';
/** Listens to nobody who asks it to stop. */
const STUCK = `${LOOKS_WHOLE}
trap '' TERM
echo $$ >"\${0%/*}/stuck.new"
mv "\${0%/*}/stuck.new" "\${0%/*}/stuck.pid"
while :; do sleep 0.1; done`;

async function writeProgram(name: string, script: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

function leftDirectories(): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('drover-nbdkit-'));
}

async function assertNoneRuns(program: NbdkitStandIn): Promise<void> {
  const starts = await program.starts();
  assert.ok(starts.length > 0);
  assert.deepEqual(
    starts.filter(({ pid }) => isRunning(pid)),
    [],
  );
}

describe('what reading through VDDK takes', () => {
  const plugin = `[ "$2" = vddk ] && { echo name=vddk; exit; }`;
  const CASES: Readonly<Record<string, { script: string | undefined; says: RegExp }>> = {
    'no nbdkit': { script: undefined, says: /is no program; install nbdkit, or set migration\.n/ },
    'no plugin': { script: 'exit 1', says: /no plugin for VDDK; install nbdkit-plugin-vddk/ },
    'no library': { script: plugin, says: /no VDDK library .* set migration\.vddkLibrary/ },
    'a library that cannot be': {
      script: `[ $# = 2 ] && ${plugin}`,
      says: /no VDDK library \(libvixDiskLib\) in .*vddk; unpack/,
    },
  };
  for (const [what, { script, says }] of Object.entries(CASES)) {
    it(`is told where there is ${what}`, async () => {
      const path = join(directory, 'none');
      const nbdkit = script === undefined ? path : await writeProgram('partial', script);
      await using opened = await openSource({ ...standIn, nbdkit });
      const { transports, obstacles } = opened.source;
      assert.deepEqual(transports, ['nfc', 'datastore']);
      assert.match(obstacles?.vddk ?? '', says);
      await assert.rejects(opened.exportOf('web'), {
        kind: 'failed_precondition',
        reason: 'TRANSPORT_UNAVAILABLE',
        message: says,
      });
    });
  }

  it('is looked for again when it may have been installed', async () => {
    const clock = new FakeClock();
    const nbdkit = join(directory, 'later');
    const parts = new VddkParts({ nbdkit, library: undefined, environment: {} }, clock);
    assert.match((await parts.state()).obstacle ?? '', /is no program/);
    await writeProgram('later', LOOKS_WHOLE);
    assert.match((await parts.state()).obstacle ?? '', /is no program/);
    await clock.advance(31_000);
    assert.deepEqual((await parts.state()).program?.args, ['vddk']);
  });

  it('is looked for where programs are when nothing is said', async () => {
    const settings = { nbdkit: undefined, library: join(directory, 'none'), environment: {} };
    const { obstacle } = await new VddkParts(settings, systemClock).state();
    assert.match(obstacle ?? '', /no plugin for VDDK|no VDDK library/);
  });
});
