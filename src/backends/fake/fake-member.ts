/** A member that is no process and no thread: it answers as its script says. For tests only. */
import { MIB } from '#kernel/units.ts';
import type { RequestHead } from '#workers/exchange.ts';
import type { LaunchOptions, Member, MemberEnd, MemberMemory } from '#workers/member.ts';
import type { Frame, Link, WireError } from '#workers/wire/frames.ts';
import type { AppBinding, Isolation } from '#workers/worker-app.ts';
import { createMemoryLinks } from './memory-link.ts';

/** What a member does with what it is told. Whatever is left out it does at once and well. */
export interface FakeScript {
  /** Rejects with why the app does not load. */
  load?(binding: AppBinding, member: FakeMember): Promise<void>;
  request?(call: FakeCall): void;
  task?(call: FakeTask): void;
  /** The hook onTerminate. */
  retire?(member: FakeMember): Promise<void>;
}

/** A request at the member, which the script answers when it likes. */
export interface FakeCall {
  readonly member: FakeMember;
  readonly id: number;
  readonly head: RequestHead;
  readonly body: Uint8Array | undefined;
  /** A whole answer. */
  answer(status: number, body?: Uint8Array): void;
  /** Any frame of an answer in pieces. */
  send(frame: Frame): void;
}

export interface FakeTask {
  readonly member: FakeMember;
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
  result(value: unknown): void;
  send(frame: Frame): void;
}

export class FakeMember implements Member {
  readonly kind: Isolation;
  readonly pid: number;
  readonly link: Link;
  readonly workerId: string;
  readonly maxMemoryBytes: number;
  /** What it was told, but for the frames of bodies. */
  readonly told: Frame['type'][] = [];
  readonly #far: Link;
  readonly #script: FakeScript;
  readonly #onOutput: LaunchOptions['onOutput'];
  readonly #end = Promise.withResolvers<MemberEnd>();
  #binding: AppBinding | undefined;
  #isEnded = false;
  /** It does nothing any more, as in an endless loop; only being killed helps. */
  isStuck = false;
  rssBytes = 50 * MIB;

  constructor(kind: Isolation, pid: number, options: LaunchOptions, script: FakeScript) {
    const [near, far] = createMemoryLinks();
    this.kind = kind;
    this.pid = pid;
    this.workerId = options.workerId;
    this.maxMemoryBytes = options.maxMemoryBytes;
    this.link = near;
    this.#far = far;
    this.#script = script;
    this.#onOutput = options.onOutput;
    far.receive((frame) => this.#receive(frame));
    far.onClose(() => this.#finish('its link was closed'));
  }

  get ended(): Promise<MemberEnd> {
    return this.#end.promise;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The app it was shown. */
  get binding(): AppBinding | undefined {
    return this.#binding;
  }

  bind(binding: AppBinding): Promise<void> {
    this.#binding = binding;
    return Promise.resolve();
  }

  memory(): Promise<MemberMemory | undefined> {
    if (this.#isEnded) return Promise.resolve(undefined);
    const { rssBytes } = this;
    return Promise.resolve(
      this.kind === 'process'
        ? { rssBytes, ownBytes: rssBytes, source: 'process' }
        : { rssBytes, ownBytes: undefined, source: 'share' },
    );
  }

  async kill(): Promise<void> {
    this.#finish('it was killed', 'SIGKILL');
    await this.ended;
  }

  /** It ends by itself. */
  crash(message: string): void {
    this.#finish(message);
  }

  write(line: string): void {
    this.#onOutput('stdout', line);
  }

  report(utilization: number, heapUsedBytes = 10 * MIB): void {
    const stats = { utilization, heapUsedBytes, isolateBytes: heapUsedBytes };
    this.#far.send({ type: 'stats', stats });
  }

  /** Anything at all, as a member with bad intentions might. */
  send(frame: Frame): void {
    this.#far.send(frame);
  }

  #finish(message: string, signal?: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#far.close();
    this.#end.resolve({ exitCode: signal === undefined ? 1 : undefined, signal, message });
  }

  #receive(frame: Frame): void {
    this.told.push(frame.type);
    if (this.isStuck) return;
    switch (frame.type) {
      case 'specialise':
        void this.#load(frame.binding);
        break;
      case 'request':
        this.#request(frame);
        break;
      case 'task':
        this.#task(frame);
        break;
      case 'abort':
        this.report(0);
        break;
      case 'retire':
        void this.#retire();
        break;
      default:
    }
  }

  async #load(binding: AppBinding): Promise<void> {
    try {
      if (binding !== this.#binding) throw new Error('it was not bound to the app before');
      await this.#script.load?.(binding, this);
      this.#far.send({ type: 'specialised' });
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : 'it failed';
      const error: WireError = { kind: 'internal', reason: 'APP_ERROR', message };
      this.#far.send({ type: 'rejected', error });
    }
  }

  async #retire(): Promise<void> {
    await this.#script.retire?.(this);
    this.#far.send({ type: 'retired' });
  }

  #request({ id, head, body }: Frame & { readonly type: 'request' }): void {
    const call: FakeCall = {
      ...{ member: this, id, head, body },
      answer: (status, answerBody = new Uint8Array()) => {
        this.#far.send({ type: 'response', id, head: { status, headers: [] }, body: answerBody });
      },
      send: (frame) => this.#far.send(frame),
    };
    if (this.#script.request === undefined) call.answer(200);
    else this.#script.request(call);
  }

  #task({ id, name, input }: Frame & { readonly type: 'task' }): void {
    const call: FakeTask = {
      ...{ member: this, id, name, input },
      result: (value) => this.#far.send({ type: 'result', id, value }),
      send: (frame) => this.#far.send(frame),
    };
    if (this.#script.task === undefined) call.result(input);
    else this.#script.task(call);
  }
}
