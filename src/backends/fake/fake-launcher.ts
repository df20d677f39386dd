/** Launches members that pretend, for tests: no process, no thread, no memory. */
import type { LaunchOptions, MemberLauncher } from '#workers/member.ts';
import type { AppBinding, Isolation } from '#workers/worker-app.ts';
import { FakeMember, type FakeScript } from './fake-member.ts';

export class FakeLauncher implements MemberLauncher {
  readonly kind: Isolation;
  readonly script: FakeScript;
  /** Those that live, by worker. */
  readonly members = new Map<string, FakeMember>();
  /** Launches begun, ever, and under way. */
  launches = 0;
  starting = 0;
  /** The most there were of either at a time. */
  mostStarting = 0;
  mostMembers = 0;
  /** Awaited by each launch; a test makes it hang or fail. */
  beforeLaunch: (options: LaunchOptions, signal: AbortSignal) => Promise<void> | void = () =>
    undefined;
  /** Apps that no generic member can become. */
  isDemanding: (binding: AppBinding, maxMemoryBytes: number) => boolean = () => false;

  constructor(kind: Isolation, script: FakeScript = {}) {
    this.kind = kind;
    this.script = script;
  }

  needsOwnStart(binding: AppBinding, maxMemoryBytes: number): boolean {
    return this.isDemanding(binding, maxMemoryBytes);
  }

  async launch(options: LaunchOptions, signal: AbortSignal): Promise<FakeMember> {
    this.launches += 1;
    this.starting += 1;
    this.mostStarting = Math.max(this.mostStarting, this.starting);
    try {
      signal.throwIfAborted();
      await this.beforeLaunch(options, signal);
      signal.throwIfAborted();
    } finally {
      this.starting -= 1;
    }
    const member = new FakeMember(this.kind, this.launches, options, this.script);
    this.members.set(options.workerId, member);
    this.mostMembers = Math.max(this.mostMembers, this.members.size);
    void member.ended.then(() => this.members.delete(options.workerId));
    return member;
  }
}
