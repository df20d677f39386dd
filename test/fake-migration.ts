/**
 * A source, a target and a copier in memory, for tests of what drives them. Each call can be told
 * to fail before it acts, or after: the two ways in which a process can die at it.
 */
import type { JobContext } from '#jobs/job-handler.ts';
import type { RateLimiter } from '#disks/rate-limiter.ts';
import type { Job, JobProgress, JsonObject } from '#jobs/job.ts';
import { FakeClock } from '#kernel/fake-clock.ts';
import type { JobId } from '#kernel/ids.ts';
import { HOUR_MS, SECOND_MS } from '#kernel/units.ts';
import { BandwidthShare } from '#transfers/bandwidth-share.ts';
import type { DiskCopier } from '#transfers/disk-copier.ts';
import type { Finding } from '#transfers/finding.ts';
import type { GuestPreparer, Preparation } from '#transfers/guest-preparer.ts';
import { MigrationHandler } from '#transfers/migration-handler.ts';
import { parseMigration } from '#transfers/parse-migration.ts';
import type { SourceVm } from '#transfers/source-vm.ts';
import type { Export, PrivilegeNeeds, Source } from '#transfers/source.ts';
import type { Target, TargetVm } from '#transfers/target.ts';

export const WEB_SERVER: SourceVm = {
  ...{ ref: 'vm-42', name: 'web 1', path: 'DC0/vm/web 1', powerState: 'poweredOff' },
  ...{ isTemplate: false, cpus: 2, memoryMib: 2048, storageBytes: 1, guestOs: 'Linux' },
  ...{ ipAddress: undefined, host: 'esx-1', uuid: '42329208-8c5a-3254-1234-567890abcdef' },
  ...{ guestId: 'debian12_64Guest', firmware: 'efi', isSecureBoot: false, hasTpm: false },
  coresPerSocket: 1,
  disks: [disk('2000', 'Hard disk 1', 0), disk('2001', 'Hard disk 2', 1)],
  nics: [
    {
      ...{ key: '4000', label: 'Network adapter 1', mac: '00:50:56:00:00:01' },
      ...{ network: 'VM Network', model: 'vmxnet3', isConnected: true },
    },
  ],
  ...{ cdroms: [], snapshots: 0, isTrackingChanges: false, hasRunningTools: true },
  ...{ hostRef: 'host-9', datacenter: 'DC0' },
};

function disk(key: string, label: string, position: number): SourceVm['disks'][number] {
  return {
    ...{ key, label, position, capacityBytes: 1024 * 1024, path: `[ds] web/${key}.vmdk` },
    ...{ datastore: 'ds', bus: 'scsi', controller: 'pvscsi', isThin: true, changeId: undefined },
    ...{ isRawDevice: false, isIndependent: false, isShared: false, isEncrypted: false },
  };
}

export const REQUEST = {
  vm_path: 'DC0/vm/web 1',
  source: { type: 'vsphere', connection: 'lab' },
  destination: { type: 'kvm', libvirt_uri: 'qemu:///system' },
  options: { network_mapping: { 'VM Network': 'br0' } },
} as const;

const PACED_BYTES = 100_000;

/** Thrown where a test lets the process die. Nothing runs after it. */
export class Crash extends Error {}

export class FakeMigration {
  readonly clock = new FakeClock();
  readonly calls: string[] = [];
  readonly logs: string[] = [];
  readonly reports: JobProgress[] = [];
  readonly files = new Set<string>();
  readonly domains = new Map<string, TargetVm>();
  readonly running = new Set<string>();
  readonly lanes: string[] = [];
  /** How fast each copy was to be, in bytes a second, at its begin and half way. */
  readonly paces: (number | undefined)[] = [];
  findings: readonly Finding[] = [];
  missing: readonly string[] | undefined = [];
  /** What privileges were last asked for. */
  needs: PrivilegeNeeds | undefined;
  preparation: Preparation = { hasVirtio: false, findings: [] };
  vm: SourceVm = WEB_SERVER;
  transports: Source['transports'] = ['datastore', 'nfc'];
  obstacles: NonNullable<Source['obstacles']> = {};
  checkpoint: unknown;
  controls: JsonObject = {};
  openExports = 0;
  /** How long the images are that go on from here; undefined: they lie where they belong. */
  sentBytes: number | undefined;
  /** Called at each call of a port, before and after it acts. */
  onCall: (name: string, when: 'before' | 'after') => void = () => undefined;
  controller = new AbortController();
  /** More VMs than the one that is migrated, for whoever lists them. */
  others: readonly SourceVm[] = [];
  readonly sources = { open: () => this.#act('open-source', () => this.#source()) };
  readonly targets = { open: () => this.#act('open-target', () => this.#target()) };
  readonly copier = this.#copier();
  readonly preparer: GuestPreparer = {
    prepare: () => this.#act('prepare', () => this.preparation),
    settle: () => this.#act('settle-preparation', () => undefined),
  };
  readonly handler = new MigrationHandler({
    ...{ clock: this.clock, sources: this.sources, targets: this.targets },
    ...{ copier: this.copier, preparer: this.preparer },
    bandwidth: new BandwidthShare(undefined),
  });

  async run(request: object = REQUEST): Promise<JsonObject> {
    return await this.handler.run(this.#context(request));
  }

  async cleanUp(request: object = REQUEST): Promise<readonly string[]> {
    return await this.handler.cleanUp(this.#context(request));
  }

  count(name: string): number {
    return this.calls.filter((call) => call === name).length;
  }

  async #act<T>(name: string, act: () => T): Promise<T> {
    this.onCall(name, 'before');
    this.calls.push(name);
    const result = act();
    this.onCall(name, 'after');
    return await Promise.resolve(result);
  }

  #context(request: object): JobContext {
    const { controller } = this;
    const parsed = parseMigration(request);
    return {
      job: { ...parsed, id: 'job-1' as JobId, controls: {} } as Partial<Job> as Job,
      secrets: parsed.secrets ?? {},
      signal: controller.signal,
      stopReason: () => (controller.signal.aborted ? 'cancelled' : undefined),
      checkpoint: structuredClone(this.checkpoint),
      saveCheckpoint: (checkpoint) =>
        this.#act('save', () => void (this.checkpoint = structuredClone(checkpoint))),
      report: (progress) => this.reports.push(progress),
      log: (level, text) => this.logs.push(`${level} ${text}`),
      controls: () => this.controls,
      leaveSlot: () => undefined,
      enterLane: (lane) => this.#act('enter-lane', () => void this.lanes.push(lane)),
    };
  }

  #source(): Source {
    const setPower = (powerState: SourceVm['powerState']) => {
      this.vm = { ...this.vm, powerState };
    };
    return {
      ...{ transports: this.transports, obstacles: this.obstacles, product: 'a vCenter' },
      snapshots: undefined,
      listVms: () => this.#act('list', () => [this.vm, ...this.others]),
      findVm: (path) =>
        this.#act('find', () => this.others.find((each) => each.path === path) ?? this.vm),
      shutDownGuest: () => this.#act('shut-down', () => setPower('poweredOff')),
      powerOff: () => this.#act('power-off', () => setPower('poweredOff')),
      powerOn: () => this.#act('power-on', () => setPower('poweredOn')),
      removeCdroms: () => this.#act('remove-cdroms', () => 0),
      missingPrivileges: (_ref, needs) =>
        this.#act('privileges', () => {
          this.needs = needs;
          return this.missing;
        }),
      openExport: (vm, transport) => this.#act('open-export', () => this.#export(vm, transport)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #export(vm: SourceVm, transport: Export['transport']): Export {
    this.openExports += 1;
    return {
      transport,
      disks: vm.disks.map(({ key }) => ({
        key,
        isResumable: transport === 'datastore',
        feed: { kind: 'file', path: `/source/${key}` },
      })),
      setProgress: () => undefined,
      lost: new AbortController().signal,
      complete: () => this.#act('complete-export', () => undefined),
      [Symbol.asyncDispose]: () => {
        this.openExports -= 1;
        return Promise.resolve();
      },
    };
  }

  #target(): Target {
    const { sentBytes } = this;
    return {
      kind: 'kvm',
      ...(sentBytes !== undefined && {
        sendDisks: async (_vm, places, { begin, advance, limiter }) => {
          begin(new Map(places.map(({ key }) => [key, sentBytes])));
          for (const { key } of places) {
            advance(key, sentBytes / 2);
            await this.clock.advance(1000);
            advance(key, sentBytes);
            this.paces.push(await this.#paceOf(limiter));
          }
          await this.#act('send', () => undefined);
        },
      }),
      check: () => this.#act('check', () => this.findings),
      placeDisks: (vm) =>
        this.#act('place', () =>
          vm.disks.map(({ key }) => ({
            ...{ key, path: `/images/${vm.name}-${key}`, isSentOn: sentBytes !== undefined },
          })),
        ),
      adoptDisks: () => this.#act('adopt', () => undefined),
      define: (vm) =>
        this.#act('define', () => {
          this.domains.set(vm.name, vm);
          return { ref: vm.name, summary: { domain: vm.name } };
        }),
      start: (ref) => this.#act('start', () => void this.running.add(ref)),
      awaitBoot: () => this.#act('await-boot', () => 'the guest agent answers'),
      remove: (vm) =>
        this.#act('remove', () => {
          this.running.delete(vm.name);
          const domains = this.domains.delete(vm.name) ? [`domain ${vm.name}`] : [];
          const files = [...this.files];
          this.files.clear();
          return [...domains, ...files];
        }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  /** Whoever has taken some waits before there is more, and for as long as the limit says. */
  async #paceOf(limiter: RateLimiter): Promise<number | undefined> {
    const startMs = this.clock.monotonicMs();
    const { signal } = this.controller;
    await limiter.take(PACED_BYTES, signal);
    const more = limiter.take(1, signal).then(() => this.clock.monotonicMs() - startMs);
    await this.clock.advance(HOUR_MS);
    const ms = await more;
    return ms === 0 ? undefined : Math.round((PACED_BYTES * SECOND_MS) / ms);
  }

  #copier(): DiskCopier {
    return {
      copy: ({ path, capacityBytes, pace }, { onProgress }) =>
        this.#act(`copy ${path}`, () => {
          const rate = new Float64Array(pace);
          this.paces.push(rate[0]);
          onProgress({ doneBytes: capacityBytes / 2, receivedBytes: 1000 });
          this.paces.push(rate[0]);
          this.files.add(path);
          return { receivedBytes: 2000, writtenBytes: 1000, resumedFromByte: 0, journalBytes: 9 };
        }),
      verify: ({ path }, { onProgress }) =>
        this.#act(`verify ${path}`, () => {
          onProgress(1024);
          return { checkedBytes: 1024 * 1024, contentDigest: `digest of ${path}` };
        }),
      hash: ({ path }) => this.#act(`hash ${path}`, () => `hash of ${path}`),
      measure: () => this.#act('measure', () => 1024 * 1024),
      settle: (path) => this.#act(`settle ${path}`, () => undefined),
    };
  }
}
