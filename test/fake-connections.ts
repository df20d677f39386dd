/** Connections in memory, that lead nowhere. */
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import type { Connections } from '#surfaces/migration/migration-parts.ts';
import type {
  ConnectionChanges,
  ConnectionDraft,
  ConnectionView,
} from '#transfers/connection-service.ts';

export class FakeConnections implements Connections {
  readonly all = new Map<string, ConnectionView>();
  readonly passwords = new Map<string, string>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async create({ name, password, ...draft }: ConnectionDraft): Promise<ConnectionView> {
    const nowMs = this.#clock.nowMs();
    const trust = {
      ...{ ca: draft.ca, thumbprint: draft.thumbprint, isInsecure: draft.insecure ?? false },
    };
    const view: ConnectionView = {
      ...{ name, kind: 'vsphere', url: draft.url, username: draft.username, trust },
      ...{ datacenter: draft.datacenter, hasPassword: true, createdAt: nowMs, updatedAt: nowMs },
    };
    this.all.set(name, view);
    this.passwords.set(name, password);
    return view;
  }

  async get(name: string): Promise<ConnectionView> {
    const view = this.all.get(name);
    if (view !== undefined) return view;
    throw new DroverError('not_found', `there is no connection ${name}`);
  }

  async list(): Promise<readonly ConnectionView[]> {
    return [...this.all.values()];
  }

  async change(name: string, { url, username, password }: ConnectionChanges) {
    const now = await this.get(name);
    const changed = { ...now, url: url ?? now.url, username: username ?? now.username };
    this.all.set(name, changed);
    if (password !== undefined) this.passwords.set(name, password);
    return changed;
  }

  async remove(name: string): Promise<void> {
    await this.get(name);
    this.all.delete(name);
  }

  async test(name: string) {
    await this.get(name);
    if (this.passwords.get(name) === 'wrong') {
      throw new DroverError('unauthenticated', 'the vCenter refused the user name or password');
    }
    return { product: 'VMware vCenter Server 8.0.2', vms: 12, durationMs: 34 };
  }
}
