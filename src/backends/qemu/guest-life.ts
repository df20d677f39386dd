/**
 * What is known of how a guest ends: QEMU announces it by events, Drover knows when it killed it
 * itself, and the parent of a process learns its status. `conclude` puts them together once the
 * process is gone.
 */
import type { GuestExit } from '#machines/hypervisor.ts';
import type { ProcessEnd } from './qemu-process.ts';
import type { QmpEvent } from './qmp-commands.ts';

export class GuestLife {
  isKilled = false;
  #hasPanicked = false;
  #shutdownReason: string | undefined;
  readonly #resets = new Set<() => void>();

  onReset(call: () => void): void {
    this.#resets.add(call);
  }

  observe(event: QmpEvent): void {
    switch (event.name) {
      case 'GUEST_PANICKED':
        this.#hasPanicked = true;
        break;
      case 'SHUTDOWN':
        this.#shutdownReason = event.reason;
        break;
      case 'RESET':
        if (event.isByGuest) for (const call of this.#resets) call();
        break;
      default:
        event satisfies never;
    }
  }

  /** `wasWatched`: the events up to the end have been heard. */
  conclude(end: ProcessEnd | undefined, wasWatched: boolean): GuestExit {
    if (this.isKilled) return { reason: 'killed', message: 'the process was ended on request' };
    if (this.#hasPanicked || this.#shutdownReason === 'guest-panic') {
      return { reason: 'guest-panic', message: 'the guest panicked' };
    }
    switch (this.#shutdownReason) {
      case 'guest-shutdown':
        return { reason: 'guest-poweroff', message: 'the guest powered off' };
      case 'guest-reset':
        return { reason: 'guest-reset', message: 'the guest restarted, which ended its process' };
      case 'host-signal':
        return { reason: 'process-died', message: 'somebody told its process to end' };
      case 'host-qmp-quit':
        return { reason: 'process-died', message: 'somebody told QEMU to quit' };
      default:
        return unannounced(end, wasWatched);
    }
  }
}

function unannounced(end: ProcessEnd | undefined, wasWatched: boolean): GuestExit {
  if (end !== undefined && end.signal !== null) {
    return { reason: 'process-died', message: `its process was killed by ${end.signal}` };
  }
  if (end !== undefined && end.code !== 0) {
    return { reason: 'process-died', message: `its process failed with status ${end.code}` };
  }
  return wasWatched
    ? { reason: 'process-died', message: 'its process ended without notice' }
    : { reason: 'unknown', message: 'its process ended while nobody could watch it' };
}
