/**
 * Waits for signs of life of a guest: its agent answers, its console says that it is up, or it
 * got an address from a network of libvirt. A guest that stops meanwhile is not waited for.
 */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError, isErrorKind } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { XmlElement } from '#kernel/xml.ts';
import { readConsoleEnd } from './console-end.ts';
import type { LibvirtHost } from './libvirt-host.ts';

export interface BootWatchOptions {
  readonly host: LibvirtHost;
  readonly clock: Clock;
  /** Whether the log of the console can be read here. */
  readonly isLocal: boolean;
  /** Any of them on the console means that the guest is up. */
  readonly readyTexts: readonly string[];
}

const POLL_MS = SECOND_MS;
/** Each look at another host is a login by ssh. */
const REMOTE_POLL_MS = 5 * SECOND_MS;
const MOST_HINT = 200;
const DEAD: readonly string[] = ['shut off', 'crashed'];
const PING = '{"execute":"guest-ping"}';

interface Guest {
  readonly uuid: string;
  readonly hasAgentChannel: boolean;
  readonly consoleLog: string | undefined;
  readonly nics: readonly { readonly network: string; readonly mac: string }[];
}

export class BootWatch {
  readonly #options: BootWatchOptions;
  /** Leases from before a start: an address of an earlier guest with the same MAC says nothing. */
  readonly #oldLeases = new Map<string, ReadonlySet<string>>();

  constructor(options: BootWatchOptions) {
    this.#options = options;
  }

  /** To be called before the guest is started. */
  async prepare(uuid: string, signal: AbortSignal): Promise<void> {
    const leases = await this.#leases(await this.#guest(uuid, signal), signal);
    this.#oldLeases.set(uuid, new Set(leases));
  }

  /** Answers what was seen of it. */
  async awaitLife(uuid: string, timeoutMs: number, signal: AbortSignal): Promise<string> {
    const { clock, isLocal } = this.#options;
    const guest = await this.#guest(uuid, signal);
    using deadline = openDeadline(clock, timeoutMs, 'the boot of the guest', signal);
    try {
      for (;;) {
        const sign = await this.#look(guest, deadline.signal);
        if (sign !== undefined) return sign;
        await clock.sleep(isLocal ? POLL_MS : REMOTE_POLL_MS, deadline.signal);
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (deadline.signal.aborted) throw await this.#silent(guest, timeoutMs);
      throw thrown;
    }
  }

  async #guest(uuid: string, signal: AbortSignal): Promise<Guest> {
    const devices = (await this.#options.host.describe(uuid, signal)).child('devices');
    const serial = devices?.child('serial')?.child('log')?.attribute('file');
    return {
      uuid,
      hasAgentChannel: devices?.childrenNamed('channel').some(isAgentChannel) === true,
      consoleLog: this.#options.isLocal ? serial : undefined,
      nics: (devices?.childrenNamed('interface') ?? []).flatMap((nic) => {
        const network = nic.child('source')?.attribute('network');
        const mac = nic.child('mac')?.attribute('address');
        return network === undefined || mac === undefined ? [] : [{ network, mac }];
      }),
    };
  }

  async #look(guest: Guest, signal: AbortSignal): Promise<string | undefined> {
    const { state, reason } = await this.#options.host.stateOf(guest.uuid, signal);
    if (DEAD.includes(state) || (state === 'paused' && reason !== 'starting up')) {
      throw await this.#stopped(guest, `${state} (${reason})`);
    }
    return (
      (await this.#readConsole(guest)) ??
      (await this.#findAddress(guest, signal)) ??
      (await this.#pingAgent(guest, signal))
    );
  }

  async #readConsole(guest: Guest): Promise<string | undefined> {
    const said = await readConsoleEnd(guest.consoleLog);
    const ready = this.#options.readyTexts.find((text) => said.includes(text));
    return ready === undefined ? undefined : `the console says ${JSON.stringify(ready)}`;
  }

  async #findAddress(guest: Guest, signal: AbortSignal): Promise<string | undefined> {
    const old = this.#oldLeases.get(guest.uuid);
    const fresh = (await this.#leases(guest, signal)).find((lease) => old?.has(lease) !== true);
    const address = fresh === undefined ? undefined : /\s(\S+)\/\d+\s/.exec(fresh)?.[1];
    return address === undefined ? undefined : `the guest has the address ${address}`;
  }

  /** A line for each, the time when it ends first. */
  async #leases(guest: Guest, signal: AbortSignal): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const { network, mac } of guest.nics) {
      const asked = [`--network=${network}`, `--mac=${mac}`];
      const text = await orNothing(
        this.#options.host.virsh.run(['net-dhcp-leases', ...asked], { signal }),
      );
      lines.push(...text.split('\n').filter((line) => line.includes(mac)));
    }
    return lines;
  }

  async #pingAgent(guest: Guest, signal: AbortSignal): Promise<string | undefined> {
    if (!guest.hasAgentChannel) return undefined;
    const asked = [`--domain=${guest.uuid}`, '--timeout=2', PING];
    const answer = await orNothing(
      this.#options.host.virsh.run(['qemu-agent-command', ...asked], { signal }),
    );
    return answer.includes('"return"') ? 'the agent in the guest answers' : undefined;
  }

  async #stopped(guest: Guest, state: string): Promise<DroverError> {
    const hint = await this.#hint(guest);
    const text = `the guest stopped before it showed signs of life: it is ${state}${hint}`;
    return new DroverError('failed_precondition', text, { reason: 'GUEST_STOPPED' });
  }

  async #silent(guest: Guest, timeoutMs: number): Promise<DroverError> {
    const what = guest.consoleLog === undefined ? '' : ', no known word on its console';
    const seconds = timeoutMs / SECOND_MS;
    const text =
      `the guest showed no sign of life within ${seconds} s: no answer of an agent, no address` +
      `${what}${await this.#hint(guest)}`;
    return new DroverError('deadline_exceeded', text, { reason: 'GUEST_SILENT' });
  }

  async #hint({ consoleLog }: Guest): Promise<string> {
    const lines = (await readConsoleEnd(consoleLog)).split(/[\r\n]+/);
    const last = lines.findLast((line) => line.trim() !== '')?.trim();
    if (last === undefined) return '';
    return `; the last line of its console is ${JSON.stringify(last.slice(-MOST_HINT))}`;
  }
}

function isAgentChannel(channel: XmlElement): boolean {
  return channel.child('target')?.attribute('name') === 'org.qemu.guest_agent.0';
}

/** What a guest or a network that is not ready refuses is no sign; that libvirt is gone is one. */
async function orNothing(answer: Promise<string>): Promise<string> {
  try {
    return await answer;
  } catch (thrown) {
    const isNotYet = isErrorKind(thrown, 'failed_precondition') || isErrorKind(thrown, 'not_found');
    if (isNotYet) return '';
    throw thrown;
  }
}
