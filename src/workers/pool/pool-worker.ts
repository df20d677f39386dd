/**
 * One worker: a member, its state, and what is known of it. It decides nothing: its owner, an app
 * or the stock of warm ones, says what happens to it and is told when the member is lost.
 *
 *   launch ─▶ [warm: adopt] ─▶ specialise ─▶ started … begin, settle … ─▶ terminate ─▶ leave
 */
import { untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { randomHex } from '#kernel/random.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Answerer } from '#workers/exchange.ts';
import type { Member, MemberLauncher } from '#workers/member.ts';
import { Exchanges } from '#workers/wire/exchanges.ts';
import type { Frame, MemberStats } from '#workers/wire/frames.ts';
import { TaskCalls } from '#workers/wire/task-calls.ts';
import { wireToError } from '#workers/wire/wire-error.ts';
import type { AppBinding, AppKey, Isolation } from '#workers/worker-app.ts';
import { nextWorkerState, type WorkerState, type WorkerStep } from '#workers/worker-state.ts';
import type { EndReason, WorkerMemory, WorkerView } from '#workers/worker-view.ts';
import { ChainNode } from './chain.ts';
import type { Ledger } from './ledger.ts';
import { refuseAll } from './refuse-all.ts';

/** The hook onTerminate has so long. */
const RETIRE_MS = SECOND_MS;
/** A report older than this says nothing about now. */
const REPORT_FRESH_MS = 2 * SECOND_MS + SECOND_MS / 2;

export interface WorkerOwner {
  readonly key: AppKey;
  readonly ledger: Ledger;
  /** The member is gone, or going, without having been told to. Once, never after `terminate`. */
  onLost(worker: PoolWorker): void;
}

export interface WorkerParts {
  readonly clock: Clock;
  /** Of the whole pool. */
  readonly ledger: Ledger;
  readonly onOutput: (app: AppKey, stream: 'stdout' | 'stderr', line: string) => void;
}

export interface LaunchRequest {
  readonly launcher: MemberLauncher;
  /** Only for a member that must be started as this app. */
  readonly binding: AppBinding | undefined;
  readonly maxMemoryBytes: number;
}

interface Work {
  readonly exchanges: Exchanges;
  readonly tasks: TaskCalls;
}

export class PoolWorker {
  readonly id = `worker-${randomHex(8)}`;
  readonly kind: Isolation;
  /** Its place among the workers of its app that can take more, and among all idle ones. */
  readonly openNode = new ChainNode<PoolWorker>(this);
  readonly idleNode = new ChainNode<PoolWorker>(this);
  readonly createdAt: number;
  readonly #parts: WorkerParts;
  readonly #stop = new AbortController();
  #owner: WorkerOwner;
  #state: WorkerState = 'creating';
  #member: Member | undefined;
  #work: Work | undefined;
  #answerer: Answerer = refuseAll;
  /** Settles, and never rejects, when it is known whether there is a member. */
  #launching: Promise<void> | undefined;
  #loading: PromiseWithResolvers<void> | undefined;
  #retired: PromiseWithResolvers<void> | undefined;
  #isLost = false;
  #endReason: EndReason | undefined;
  #memory: Omit<WorkerMemory, 'ageMs' | 'heapUsedBytes'> | undefined;
  #heapUsedBytes = 0;
  #isolateBytes: number | undefined;
  #utilization: number | undefined;

  /** Handed to it, ever and now. */
  requests = 0;
  inFlight = 0;
  /** How many it is to have at most; reached, it is replaced. */
  mostRequests = Infinity;
  /** Counted among those its app keeps: not draining, not about to be replaced. */
  isStaying = true;
  isDraining = false;
  /** Why it drains, and when it is ended even if it has not. */
  drainReason: EndReason = 'removed';
  drainUntil = Infinity;
  readyAt = Infinity;
  idleSince = Infinity;
  isToldIdle = false;
  /** When something was given up that it may be at work on still: it must show that it is alive. */
  suspectSince: number | undefined;
  /** When it last said anything of itself. */
  heardAt = -Infinity;
  memoryReadAt = -Infinity;
  isMemoryBeingRead = false;

  constructor(parts: WorkerParts, owner: WorkerOwner, kind: Isolation) {
    this.#parts = parts;
    this.#owner = owner;
    this.kind = kind;
    this.createdAt = parts.clock.monotonicMs();
    parts.ledger.move(undefined, this.#state);
    owner.ledger.move(undefined, this.#state);
  }

  get state(): WorkerState {
    return this.#state;
  }

  get owner(): WorkerOwner {
    return this.#owner;
  }

  get member(): Member | undefined {
    return this.#member;
  }

  get rssBytes(): number {
    return this.#memory?.rssBytes ?? 0;
  }

  /** All of its own isolate, by its last report. */
  get isolateBytes(): number | undefined {
    return this.#isolateBytes;
  }

  get exchanges(): Exchanges {
    return this.#working().exchanges;
  }

  get tasks(): TaskCalls {
    return this.#working().tasks;
  }

  step(step: WorkerStep): void {
    const next = nextWorkerState(this.#state, step);
    if (next === undefined) throw new Error(`worker ${this.id}: no ${step} when ${this.#state}`);
    if (next === this.#state) return;
    this.#parts.ledger.move(this.#state, next);
    this.#owner.ledger.move(this.#state, next);
    this.#state = next;
  }

  /** Its event loop turns, or did a moment ago. */
  isReporting(nowMs: number): boolean {
    return nowMs - this.heardAt <= REPORT_FRESH_MS;
  }

  /** Of its event loop, 0 to 1. One at work that has stopped reporting is busy with one thing. */
  utilizationAt(nowMs: number): number {
    if (this.isReporting(nowMs)) return this.#utilization ?? 0;
    return this.#state === 'active' && nowMs - this.readyAt > REPORT_FRESH_MS ? 1 : 0;
  }

  /** Resolves when the member is there; rejects, leaving nothing, otherwise. */
  async launch(request: LaunchRequest, signal: AbortSignal): Promise<void> {
    const launching = this.#launch(request, signal);
    this.#launching = launching.catch(() => undefined);
    await launching;
  }

  async #launch({ launcher, ...what }: LaunchRequest, signal: AbortSignal): Promise<void> {
    const onOutput = (stream: 'stdout' | 'stderr', line: string) =>
      this.#parts.onOutput(this.#owner.key, stream, line);
    const options = { ...what, workerId: this.id, onOutput };
    const member = await launcher.launch(options, AbortSignal.any([signal, this.#stop.signal]));
    if (this.#state === 'terminated') await member.kill();
    else this.#attach(member);
  }

  /** An app takes over this generic worker. */
  adopt(owner: WorkerOwner): void {
    this.#owner.ledger.move(this.#state, undefined);
    this.#owner = owner;
    owner.ledger.move(undefined, this.#state);
    this.step('specialise');
  }

  /** Loads the app. Rejects with a sentence for its owner. */
  async specialise(binding: AppBinding, answerer: Answerer, signal: AbortSignal): Promise<void> {
    const member = this.#member;
    if (member === undefined) throw new Error(`worker ${this.id} has no member to load an app`);
    const loading = Promise.withResolvers<void>();
    // It may fail before anybody waits for it: while the member is being bound.
    loading.promise.catch(() => undefined);
    this.#loading = loading;
    this.#answerer = answerer;
    const stopped = AbortSignal.any([signal, this.#stop.signal]);
    await untilAborted(member.bind(binding), stopped);
    member.link.send({ type: 'specialise', binding });
    await untilAborted(loading.promise, stopped);
  }

  /** It can be given work; rejects with how it ended when the member is lost already. */
  async assertAlive(): Promise<void> {
    if (this.#isLost) throw await this.#lossOf(this.#member);
  }

  recordMemory(memory: Omit<WorkerMemory, 'ageMs' | 'heapUsedBytes'>): void {
    this.#memory = memory;
  }

  /** The hook onIdle. */
  tellIdle(): void {
    this.isToldIdle = true;
    this.#member?.link.send({ type: 'idle' });
  }

  /** Counts for nothing from now on. What it had in flight is for the owner to answer. */
  terminate(reason: EndReason): void {
    this.step('end');
    this.#endReason = reason;
    this.#stop.abort(new DroverError('aborted', 'the worker was ended'));
  }

  /**
   * Resolves when nothing of the member is left, with a sentence about how it ended. With the hook
   * onTerminate before, if it `isFriendly`.
   */
  async leave(isFriendly: boolean, error: DroverError): Promise<string> {
    await this.#launching;
    const member = this.#member;
    if (member === undefined) return error.message;
    if (isFriendly && !this.#isLost) {
      const retired = Promise.withResolvers<void>();
      this.#retired = retired;
      member.link.send({ type: 'retire' });
      using timer = this.#parts.clock.after(RETIRE_MS, retired.resolve);
      await Promise.race([retired.promise, member.ended]);
      timer.cancel();
    }
    this.#work?.exchanges.fail(error);
    this.#work?.tasks.fail(error);
    await member.kill();
    member.link.close();
    return (await member.ended).message;
  }

  view(nowMs: number): WorkerView {
    const memory = this.#memory && {
      ...this.#memory,
      heapUsedBytes: this.#heapUsedBytes,
      ageMs: nowMs - this.memoryReadAt,
    };
    return {
      id: this.id,
      app: this.#owner.key,
      kind: this.kind,
      state: this.#state,
      pid: this.#member?.pid,
      requests: this.requests,
      inFlight: this.inFlight,
      isDraining: this.isDraining,
      uptimeMs: nowMs - this.createdAt,
      memory: this.#state === 'creating' ? undefined : memory,
      utilization: this.#utilization,
      endReason: this.#endReason,
    };
  }

  #working(): Work {
    if (this.#work === undefined) throw new Error(`worker ${this.id} has no member yet`);
    return this.#work;
  }

  #attach(member: Member): void {
    this.#member = member;
    const { link } = member;
    this.#work = {
      exchanges: new Exchanges({
        link,
        side: 'pool',
        answerer: (head, body, answer) => this.#answerer(head, body, answer),
        onFrame: (frame) => this.#onFrame(frame),
      }),
      tasks: new TaskCalls(link),
    };
    link.onClose(() => this.#lost());
    // It never rejects: that is part of the port.
    void member.ended.then(() => this.#lost());
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case 'specialised':
        this.#loading?.resolve();
        break;
      case 'rejected':
        this.#loading?.reject(wireToError(frame.error));
        break;
      case 'retired':
        this.#retired?.resolve();
        break;
      case 'stats':
        this.#heardFrom(frame.stats);
        break;
      default:
        this.#work?.tasks.receive(frame);
    }
  }

  #heardFrom({ heapUsedBytes, isolateBytes, utilization }: MemberStats): void {
    this.heardAt = this.#parts.clock.monotonicMs();
    this.suspectSince = undefined;
    this.#heapUsedBytes = heapUsedBytes;
    this.#isolateBytes = isolateBytes;
    this.#utilization = Math.min(1, Math.max(0, utilization));
  }

  #lost(): void {
    if (this.#isLost || this.#state === 'terminated') return;
    this.#isLost = true;
    // Whoever waits for the app to load is told how the member ended: that is worth saying.
    const loading = this.#loading;
    if (this.#state === 'creating') {
      void this.#lossOf(this.#member).then((error) => loading?.reject(error));
    } else {
      this.#owner.onLost(this);
    }
  }

  async #lossOf(member: Member | undefined): Promise<DroverError> {
    await member?.kill();
    const end = await member?.ended;
    return new DroverError('unavailable', end?.message ?? 'it ended while it was started');
  }
}
