/**
 * Export leases. The objects live in the simulator, where property collectors see them; their
 * life is here:
 *
 *   ExportVm → initializing → ready → done     HttpNfcLeaseComplete
 *                                   → error    HttpNfcLeaseAbort; no HttpNfcLeaseProgress for as
 *                                              long as the timeout; a restart
 *
 * A VM that is on cannot be exported, and has one lease at most. While it is held, what changes
 * the VM is refused. Its URLs work while it is ready, and not a byte longer.
 */
import { randomBytes } from 'node:crypto';

import type { Clock, Timer } from '#kernel/clock.ts';
import type { HostedDisk, HostedVm } from './hosted-vm.ts';
import type { Simulator } from './simulator.ts';
import { answer, faultAnswer, referenceXml } from './soap-message.ts';
import type { Reference, SoapAnswer, SoapRequest } from './soap-message.ts';
import { escapeXml, textOf } from './xml-element.ts';

export interface LeaseCounts {
  readonly opened: number;
  readonly completed: number;
  readonly aborted: number;
  readonly expired: number;
}

export interface LeasesOptions {
  readonly simulator: Simulator;
  readonly clock: Clock;
  readonly timeoutSeconds: number;
  readonly initializingMs: number;
  /** SHA-1, as leases have it. */
  readonly thumbprint: string;
  readonly vmOf: (ref: Reference) => HostedVm | undefined;
}

export interface LeasedFile {
  readonly vm: HostedVm;
  /** Undefined: the settings of its firmware. */
  readonly disk: HostedDisk | undefined;
  /** Aborts when the lease is over. */
  readonly over: AbortSignal;
}

interface Lease {
  readonly ref: Reference;
  readonly vm: HostedVm;
  readonly ticket: string;
  /** Aborts when its URLs stop working. */
  readonly over: AbortController;
  state: 'initializing' | 'ready' | 'done' | 'error';
  isExpired: boolean;
  percent: number;
  timer: Timer | undefined;
}

const REFUSED_WHILE_HELD = new Set([
  ...['PowerOnVM_Task', 'PowerOffVM_Task', 'ResetVM_Task', 'SuspendVM_Task', 'ShutdownGuest'],
  ...['ReconfigVM_Task', 'CreateSnapshot_Task', 'Destroy_Task', 'UnregisterVM', 'MarkAsTemplate'],
]);

export const NVRAM = Buffer.alloc(8684, 0x5a);

export class Leases {
  readonly #options: LeasesOptions;
  readonly #leases = new Map<string, Lease>();
  readonly #counts = { opened: 0, completed: 0, aborted: 0, expired: 0 };

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  get counts(): LeaseCounts {
    return { ...this.#counts };
  }

  /** Those that are open now, with what their holder last said of its progress. */
  get open(): readonly { readonly vm: string; readonly percent: number }[] {
    return [...this.#leases.values()]
      .filter((lease) => isHeld(lease))
      .map(({ vm, percent }) => ({ vm: vm.name, percent }));
  }

  /** Undefined what is none of its business. */
  async handle(request: SoapRequest): Promise<SoapAnswer | undefined> {
    const { method, target } = request;
    if (method === 'ExportVm') return await this.#export(target);
    if (REFUSED_WHILE_HELD.has(method)) return this.#refuseIfHeld(target);
    if (target.type !== 'HttpNfcLease') return undefined;
    const lease = this.#leases.get(target.value);
    if (lease === undefined) {
      const message =
        `The object 'vim.HttpNfcLease:${target.value}' has already been deleted or has not been ` +
        'completely created';
      return faultAnswer('ManagedObjectNotFound', message, referenceXml('obj', target));
    }
    switch (method) {
      case 'HttpNfcLeaseProgress':
        return this.#ifReady(lease, method, () => this.#keepAlive(lease, request));
      case 'HttpNfcLeaseComplete':
        return this.#ifReady(lease, method, () => this.#end(lease, 'completed'));
      case 'HttpNfcLeaseAbort':
        return this.#ifReady(lease, method, () => this.#end(lease, 'aborted'));
      case 'HttpNfcLeaseGetManifest':
        return answer(method);
      default:
        return undefined;
    }
  }

  /** What a URL of a lease names, while it is ready. */
  find(path: string): LeasedFile | undefined {
    const [, ticket, name] = /^\/nfc\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const lease = [...this.#leases.values()].find((one) => one.ticket === ticket);
    if (lease?.state !== 'ready') return undefined;
    const { vm, over } = lease;
    const disk = vm.disks.find((_, index) => name === `disk-${index}.vmdk`);
    if (disk === undefined && name !== 'nvram') return undefined;
    return { vm, disk, over: over.signal };
  }

  /** As if nobody had reported progress for too long. */
  async expireAll(): Promise<void> {
    for (const lease of this.#leases.values()) {
      if (isHeld(lease)) await this.#end(lease, 'expired');
    }
  }

  /** As when vCenter itself restarts: nobody has heard of them. */
  async forgetAll(): Promise<void> {
    for (const lease of this.#leases.values()) {
      lease.timer?.cancel();
      lease.over.abort();
      if (isHeld(lease)) await this.#setState(lease, 'error');
    }
    this.#leases.clear();
  }

  async #export(target: Reference): Promise<SoapAnswer> {
    const { simulator, vmOf } = this.#options;
    const vm = vmOf(target);
    if (vm === undefined) {
      return faultAnswer('NotSupported', 'The double has no disks for this virtual machine.');
    }
    const power = await simulator.property(target, 'runtime.powerState');
    if (power?.text !== 'poweredOff') {
      return faultAnswer(
        'InvalidPowerState',
        'The attempted operation cannot be performed in the current state ' +
          `(${power?.text === 'poweredOn' ? 'Powered on' : 'Suspended'}).`,
        '<requestedState>poweredOff</requestedState>' +
          `<existingState>${power?.text}</existingState>`,
      );
    }
    const refusal = this.#refuseIfHeld(target);
    if (refusal !== undefined) return refusal;
    const id = `session[${randomBytes(16).toString('hex')}]${randomBytes(16).toString('hex')}`;
    const lease: Lease = {
      ref: { type: 'HttpNfcLease', value: id },
      vm,
      ticket: randomBytes(16).toString('hex'),
      over: new AbortController(),
      state: 'initializing',
      isExpired: false,
      percent: 0,
      timer: undefined,
    };
    this.#leases.set(id, lease);
    this.#counts.opened += 1;
    await simulator.change(
      lease.ref,
      {
        state: stateXml('initializing'),
        initializeProgress: intXml(0),
        transferProgress: intXml(0),
      },
      'enter',
    );
    void this.#initialize(lease);
    return answer('ExportVm', referenceXml('returnval', lease.ref));
  }

  async #initialize(lease: Lease): Promise<void> {
    const { simulator, clock, initializingMs } = this.#options;
    try {
      if (initializingMs > 0) await clock.sleep(initializingMs, lease.over.signal);
      for (const disk of lease.vm.disks) await disk.streamPath();
      if (lease.state !== 'initializing') return;
      lease.state = 'ready';
      this.#arm(lease);
      await simulator.change(lease.ref, {
        info: this.#infoXml(lease),
        initializeProgress: intXml(100),
        state: stateXml('ready'),
      });
    } catch (thrown) {
      // Either it was ended meanwhile, or its disks cannot be read: its holder sees an error.
      const message = thrown instanceof Error ? thrown.message : 'unknown';
      if (!lease.over.signal.aborted) await this.#setState(lease, 'error', 'FileFault', message);
    }
  }

  #arm(lease: Lease): void {
    const { clock, timeoutSeconds } = this.#options;
    lease.timer?.cancel();
    lease.timer = clock.after(timeoutSeconds * 1000, () => void this.#end(lease, 'expired'));
  }

  async #keepAlive(lease: Lease, request: SoapRequest): Promise<void> {
    lease.percent = Number(textOf(request.body, 'percent'));
    this.#arm(lease);
    const { simulator } = this.#options;
    await simulator.change(lease.ref, { transferProgress: intXml(lease.percent) });
  }

  async #end(lease: Lease, how: 'completed' | 'aborted' | 'expired'): Promise<void> {
    if (!isHeld(lease)) return;
    this.#counts[how] += 1;
    lease.isExpired = how === 'expired';
    lease.timer?.cancel();
    lease.over.abort();
    if (how === 'completed') await this.#setState(lease, 'done');
    else if (how === 'aborted') await this.#setState(lease, 'error', 'RequestCanceled', 'Aborted.');
    else await this.#setState(lease, 'error', 'Timedout', 'Operation timed out.');
  }

  async #setState(lease: Lease, state: 'done' | 'error', fault?: string, text = ''): Promise<void> {
    lease.state = state;
    const error =
      `<val xsi:type="LocalizedMethodFault"><fault xsi:type="${fault}"/>` +
      `<localizedMessage>${escapeXml(text)}</localizedMessage></val>`;
    const values = { ...(fault === undefined ? {} : { error }), state: stateXml(state) };
    await this.#options.simulator.change(lease.ref, values);
  }

  async #ifReady(lease: Lease, method: string, act: () => Promise<void>): Promise<SoapAnswer> {
    if (lease.isExpired) return faultAnswer('Timedout', 'Operation timed out.');
    // One can be given up before it is ready, and nothing else done with it.
    const isRight =
      lease.state === 'ready' || (lease.state === 'initializing' && method === 'HttpNfcLeaseAbort');
    if (!isRight) {
      const message = 'The operation is not allowed in the current state.';
      return faultAnswer('InvalidState', message);
    }
    await act();
    return answer(method);
  }

  #refuseIfHeld(target: Reference): SoapAnswer | undefined {
    const holder = [...this.#leases.values()].find(
      (lease) => isHeld(lease) && lease.vm.ref.value === target.value,
    );
    if (holder === undefined) return undefined;
    const message = 'The operation is not allowed: another task is already in progress.';
    return faultAnswer('TaskInProgress', message, '<task type="Task">task-export</task>');
  }

  #infoXml({ ref, vm, ticket }: Lease): string {
    const { thumbprint, timeoutSeconds } = this.#options;
    const urls = vm.disks.map((disk, index) => ({
      key: disk.leaseKey,
      name: `disk-${index}.vmdk`,
      rest: `<disk>true</disk><targetId>disk-${index}.vmdk</targetId>`,
    }));
    if (vm.firmware === 'efi') {
      const size = `<fileSize>${NVRAM.length}</fileSize>`;
      const rest = `<disk>false</disk><targetId>${escapeXml(vm.name)}.nvram</targetId>${size}`;
      urls.push({ key: `/${vm.ref.value}/nvram`, name: 'nvram', rest });
    }
    const deviceUrls = urls.map(
      ({ key, name, rest }) =>
        `<deviceUrl><key>${key}</key><importKey>${key}</importKey>` +
        `<url>https://*/nfc/${ticket}/${name}</url>` +
        `<sslThumbprint>${thumbprint}</sslThumbprint>${rest}</deviceUrl>`,
    );
    const kib = vm.disks.reduce((sum, disk) => sum + disk.capacityBytes / 1024, 0);
    return (
      `<val xsi:type="HttpNfcLeaseInfo">${referenceXml('lease', ref)}` +
      `${referenceXml('entity', vm.ref)}${deviceUrls.join('')}` +
      `<totalDiskCapacityInKB>${kib}</totalDiskCapacityInKB>` +
      `<leaseTimeout>${timeoutSeconds}</leaseTimeout></val>`
    );
  }
}

function isHeld(lease: Lease): boolean {
  return lease.state === 'initializing' || lease.state === 'ready';
}

function stateXml(state: Lease['state']): string {
  return `<val xsi:type="HttpNfcLeaseState">${state}</val>`;
}

function intXml(value: number): string {
  return `<val xsi:type="xsd:int">${value}</val>`;
}
