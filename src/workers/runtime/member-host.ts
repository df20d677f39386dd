/**
 * What runs inside a member, at its end of the link:
 *
 *   hello ▶ ── specialise ──▶ loading ─┬▶ specialised ─▶ serving ── retire ──▶ retired
 *                                      └▶ rejected
 *
 * What always holds:
 * - A member becomes one app, once. What is asked of it before it has is refused.
 * - The hooks of an app can fail or hang and nothing but their own effect is lost: `retired` is
 *   said all the same.
 */
import { openDeadline, untilAborted } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { DroverError } from '#kernel/errors.ts';
import { SECOND_MS } from '#kernel/units.ts';
import type { Answerer, RequestHandler } from '#workers/exchange.ts';
import { Exchanges } from '#workers/wire/exchanges.ts';
import type { Frame, Link } from '#workers/wire/frames.ts';
import { errorToWire } from '#workers/wire/wire-error.ts';
import type { AppBinding } from '#workers/worker-app.ts';
import { describeAppError } from './app-error.ts';
import type { AppModule } from './app-module.ts';
import { loadApp } from './load-app.ts';
import { StatsReporter } from './stats-reporter.ts';
import { WorkCount } from './work-count.ts';

/** For `onTerminate` and what was left to `waitUntil`; a little less than the pool waits. */
export const RETIRE_MS = 0.9 * SECOND_MS;

export interface MemberHostParts {
  readonly link: Link;
  readonly clock: Clock;
  /** Gives the app its surroundings; answers with the folder that it is loaded from. */
  readonly prepare: (binding: AppBinding) => string | Promise<string>;
  /** Writes to the app's own log. */
  readonly report: (text: string) => void;
  /** Takes what is neither for an app nor for an exchange: tasks. */
  readonly onFrame?: (frame: Frame) => void;
}

export class MemberHost {
  readonly #parts: MemberHostParts;
  readonly #exchanges: Exchanges;
  readonly #work: WorkCount;
  readonly #stats: StatsReporter;
  #directory = '';
  #isTaken = false;
  #module: AppModule | undefined;
  #answerer: Answerer = refuseUnspecialised;

  constructor(parts: MemberHostParts) {
    this.#parts = parts;
    const { link, clock } = parts;
    this.#exchanges = new Exchanges({
      link,
      side: 'member',
      answerer: (head, body, answer) => this.#answerer(head, body, answer),
      onFrame: (frame) => this.#onFrame(frame),
    });
    this.#stats = new StatsReporter({
      clock,
      inFlight: () => this.#work.count,
      send: (stats) => link.send({ type: 'stats', stats }),
    });
    this.#work = new WorkCount(() => this.#stats.start());
    link.onClose(() => {
      this.#stats.stop();
      this.#exchanges.fail(new DroverError('unavailable', 'the server is gone'));
    });
  }

  /** For the requests of the app itself. */
  get exchanges(): Exchanges {
    return this.#exchanges;
  }

  /** Tasks count like requests do. */
  get work(): WorkCount {
    return this.#work;
  }

  start(): void {
    this.#parts.link.send({ type: 'hello' });
  }

  #onFrame(frame: Frame): void {
    switch (frame.type) {
      case 'specialise':
        void this.#specialise(frame.binding);
        break;
      case 'idle':
        void this.#onIdle();
        break;
      case 'retire':
        void this.#onRetire();
        break;
      default:
        this.#parts.onFrame?.(frame);
    }
  }

  async #specialise(binding: AppBinding): Promise<void> {
    const { link, prepare, report } = this.#parts;
    try {
      if (this.#isTaken) throw alreadyTaken();
      this.#isTaken = true;
      this.#directory = await prepare(binding);
      const module = await loadApp(this.#directory, binding.entrypoint);
      this.#module = module;
      // Not at the start: it brings Node's web classes, and members for tasks do without them.
      const { createAppAnswerer } = await import('./app-answerer.ts');
      const app = { name: binding.name, version: binding.version, module };
      this.#answerer = createAppAnswerer({ app, work: this.#work, report });
      link.send({ type: 'specialised' });
      this.#stats.report();
    } catch (thrown) {
      link.send({ type: 'rejected', error: errorToWire(thrown) });
    }
  }

  async #onIdle(): Promise<void> {
    await this.#callHook('onIdle', this.#module?.onIdle);
    this.#stats.report();
  }

  async #onRetire(): Promise<void> {
    const { clock, link, report } = this.#parts;
    using deadline = openDeadline(clock, RETIRE_MS, 'onTerminate');
    const ended = this.#callHook('onTerminate', this.#module?.onTerminate);
    try {
      await untilAborted(Promise.all([ended, this.#work.settled()]), deadline.signal);
    } catch {
      report(`onTerminate took longer than ${RETIRE_MS} ms; it is not waited for any longer`);
    }
    link.send({ type: 'retired' });
  }

  async #callHook(name: string, hook: (() => unknown) | undefined): Promise<void> {
    if (hook === undefined) return;
    try {
      await hook();
    } catch (thrown) {
      this.#parts.report(`${name}: ${describeAppError(thrown, [this.#directory])}`);
    }
  }
}

const refuseUnspecialised: Answerer = (_head, _body, answer): RequestHandler => {
  const error = new DroverError('failed_precondition', 'this worker has no app yet');
  queueMicrotask(() => answer.fail(error));
  return {
    onData: (bytes) => answer.consume(bytes.length),
    onEnd: () => undefined,
    onAbort: () => undefined,
    onDrain: () => undefined,
  };
};

function alreadyTaken(): DroverError {
  return new DroverError('failed_precondition', 'this worker has an app already');
}
