/**
 * The lease under which vSphere gives the disks of a VM away:
 *
 *   ExportVm ──▶ initializing ──▶ ready ──▶ HttpNfcLeaseComplete ──▶ done
 *                     │             │ ▲ progress, again and again
 *                     └──▶ error ◀──┘ (no progress for leaseTimeout, or whatever went wrong)
 *
 * What always holds:
 * - A lease that was asked for is completed or aborted, even when whoever asked is gone before it
 *   is there: while it lasts, nobody can start, stop or change the VM.
 * - While it is ready its progress is told at least three times in each of its timeouts.
 * - When it is lost, `lost` aborts, once.
 */
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import { DroverError } from '#kernel/errors.ts';
import { MINUTE_MS, SECOND_MS } from '#kernel/units.ts';
import { xmlNode } from '#kernel/xml-writer.ts';
import type { XmlElement } from '#kernel/xml.ts';
import { expectReference, operation, readNumber, type ManagedObject } from './managed-object.ts';
import { retrieveOne } from './property-collector.ts';
import type { VSphereSession } from './session.ts';
import { readMethodFault, VSphereFault } from './vsphere-fault.ts';

const EXPORT_TIMEOUT_MS = 2 * MINUTE_MS;
const READY_TIMEOUT_MS = 5 * MINUTE_MS;
const FIRST_POLL_MS = 100;
const MOST_POLL_MS = 2 * SECOND_MS;
const MOST_PROGRESS_MS = 10 * SECOND_MS;
const DEFAULT_LEASE_MS = 5 * MINUTE_MS;

/** One file that the lease gives. */
export interface DeviceUrl {
  /** Where on the VM, such as `/vm-42/ParaVirtualSCSIController0:1`. */
  readonly key: string;
  readonly targetId: string | undefined;
  readonly url: string;
  readonly isDisk: boolean;
  /** Of the server that gives it, SHA-1 in most versions, with colons. */
  readonly thumbprint: string | undefined;
  /** PEM, in newer versions. */
  readonly certificate: string | undefined;
}

export class NfcLease implements AsyncDisposable {
  readonly deviceUrls: readonly DeviceUrl[];
  readonly #session: VSphereSession;
  readonly #lease: ManagedObject;
  readonly #leaseMs: number;
  readonly #lost = new AbortController();
  readonly #timer: Disposable;
  #percent = 0;
  #toldAtMs: number;
  #telling: Promise<void> | undefined;
  #isOver = false;

  private constructor(session: VSphereSession, lease: ManagedObject, info: LeaseInfo) {
    this.deviceUrls = info.deviceUrls;
    this.#session = session;
    this.#lease = lease;
    this.#leaseMs = info.leaseMs;
    this.#toldAtMs = session.clock.monotonicMs();
    const everyMs = Math.min(MOST_PROGRESS_MS, Math.max(1, Math.floor(info.leaseMs / 3)));
    this.#timer = session.clock.every(everyMs, () => this.#tell());
    this.#tell();
  }

  static async open(
    session: VSphereSession,
    vm: ManagedObject,
    signal: AbortSignal,
  ): Promise<NfcLease> {
    const lease = await askForLease(session, vm, signal);
    try {
      using deadline = openDeadline(
        session.clock,
        READY_TIMEOUT_MS,
        'preparing the export',
        signal,
      );
      return new NfcLease(session, lease, await untilReady(session, lease, deadline.signal));
    } catch (thrown) {
      await abortLease(session, lease);
      throw thrown;
    }
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  setProgress(percent: number): void {
    this.#percent = Math.max(0, Math.min(100, Math.floor(percent)));
  }

  async complete(signal: AbortSignal): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.#telling;
    this.#lost.signal.throwIfAborted();
    try {
      await this.#session.change(operation('HttpNfcLeaseComplete', this.#lease), signal);
    } catch (thrown) {
      // The answer may have been lost on its way: what counts is where the lease stands.
      signal.throwIfAborted();
      const state = await retrieveOne(this.#session, this.#lease, ['state'], signal);
      if (state?.text('state') !== 'done') throw thrown;
    }
    this.#isOver = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    if (this.#isOver) return;
    this.#isOver = true;
    await abortLease(this.#session, this.#lease);
  }

  #tell(): void {
    if (this.#isOver || this.lost.aborted) return;
    this.#telling ??= this.#tellOnce().finally(() => {
      this.#telling = undefined;
    });
  }

  async #tellOnce(): Promise<void> {
    const { clock } = this.#session;
    const percent = xmlNode('percent', {}, this.#percent);
    const tell = operation('HttpNfcLeaseProgress', this.#lease, percent);
    try {
      using deadline = openDeadline(clock, this.#leaseMs, 'telling the progress of an export');
      await this.#session.read(tell, deadline.signal, Math.max(1, Math.floor(this.#leaseMs / 2)));
      this.#toldAtMs = clock.monotonicMs();
    } catch (thrown) {
      const isPast = clock.monotonicMs() - this.#toldAtMs >= this.#leaseMs;
      if (!isPast && !(thrown instanceof VSphereFault)) return;
      if (!this.#isOver) this.#lost.abort(leaseLost(thrown));
    }
  }
}

/**
 * Asks without the caller's signal: a lease whose answer nobody waited for would block the VM until
 * it times out.
 */
async function askForLease(
  session: VSphereSession,
  vm: ManagedObject,
  signal: AbortSignal,
): Promise<ManagedObject> {
  signal.throwIfAborted();
  const asked = session
    .change(operation('ExportVm', vm), new AbortController().signal, EXPORT_TIMEOUT_MS)
    .then((answer) => expectReference(answer.child('returnval'), 'the lease'));
  try {
    return await untilAborted(asked, signal);
  } catch (thrown) {
    if (signal.aborted) {
      asked.then(
        (late) => abortLease(session, late),
        // It was refused, so there is nothing to give back.
        () => undefined,
      );
    }
    throw thrown;
  }
}

function abortLease(session: VSphereSession, lease: ManagedObject): Promise<void> {
  const abort = operation('HttpNfcLeaseAbort', lease);
  return session.afterwards('abort an export', (late) => session.read(abort, late));
}

interface LeaseInfo {
  readonly deviceUrls: readonly DeviceUrl[];
  readonly leaseMs: number;
}

async function untilReady(
  session: VSphereSession,
  lease: ManagedObject,
  signal: AbortSignal,
): Promise<LeaseInfo> {
  for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(MOST_POLL_MS, waitMs * 2)) {
    const found = await retrieveOne(session, lease, ['state', 'error', 'info'], signal);
    const info = found?.element('info');
    switch (found?.text('state')) {
      case 'ready':
        if (info !== undefined) return readInfo(info);
        break;
      case 'error':
        throw readMethodFault(found.element('error'), 'the export');
      case 'done':
      case undefined:
        throw leaseLost(undefined);
      default:
    }
    await session.clock.sleep(waitMs, signal);
  }
}

function readInfo(info: XmlElement): LeaseInfo {
  const seconds = readNumber(info.textOf('leaseTimeout')) ?? 0;
  return {
    deviceUrls: info.childrenNamed('deviceUrl').map(readDeviceUrl),
    leaseMs: seconds > 0 ? seconds * SECOND_MS : DEFAULT_LEASE_MS,
  };
}

function readDeviceUrl(element: XmlElement): DeviceUrl {
  const disk = element.textOf('disk');
  const targetId = element.textOf('targetId') || undefined;
  const url = element.textOf('url') ?? '';
  return {
    key: element.textOf('key') ?? '',
    targetId,
    url,
    isDisk: disk === undefined ? /\.vmdk$/i.test(targetId ?? url) : disk === 'true',
    thumbprint: element.textOf('sslThumbprint') || undefined,
    certificate: element.textOf('sslCertificate') || undefined,
  };
}

function leaseLost(cause: unknown): DroverError {
  const why = cause instanceof DroverError ? `: ${cause.message}` : '';
  return new DroverError('unavailable', `vSphere ended the export before its time${why}`, {
    reason: 'VSPHERE_LEASE_LOST',
    cause,
  });
}
