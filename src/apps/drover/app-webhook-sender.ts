/** Events for apps go to the pool, all others to their URLs. */
import { openDeadline } from '#kernel/abort.ts';
import type { Clock } from '#kernel/clock.ts';
import { toDroverError } from '#kernel/errors.ts';
import type { OutgoingRequest, SendOutcome, WebhookSender } from '#webhooks/webhook-sender.ts';
import { askWorker, type BeginRequest } from '#workers/ask-worker.ts';

/** Of no scheme that a registration may hold, so that callers cannot make one up. */
const APP_URL = /^app:\/\/([a-z0-9-]+)(\/.*)$/;
/** The host that apps see where no client named one. */
const ORIGIN = 'http://drover.internal';

export function appEventUrl(name: string, path: string): string {
  return `app://${name}${path}`;
}

export interface AppWebhookSenderParts {
  readonly others: WebhookSender;
  /** To the current version; throws when there is no such app. */
  readonly begin: (name: string) => BeginRequest;
  readonly clock: Clock;
}

export class AppWebhookSender implements WebhookSender {
  readonly #parts: AppWebhookSenderParts;

  constructor(parts: AppWebhookSenderParts) {
    this.#parts = parts;
  }

  async send(request: OutgoingRequest, signal: AbortSignal): Promise<SendOutcome> {
    const [, name, path] = APP_URL.exec(request.url) ?? [];
    if (name === undefined || path === undefined) {
      return await this.#parts.others.send(request, signal);
    }
    const { clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    const latencyMs = () => clock.monotonicMs() - startedMs;
    try {
      const answer = await this.#post(name, path, request, signal);
      return {
        kind: 'answered',
        status: answer.status,
        retryAfter: headerOf(answer.headers, 'retry-after'),
        answerStart: answer.start.toString('utf8', 0, 512),
        latencyMs: latencyMs(),
      };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return { kind: 'failed', error: toDroverError(thrown).message, latencyMs: latencyMs() };
    }
  }

  refusalOf(url: URL): string | undefined {
    return this.#parts.others.refusalOf(url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.others[Symbol.asyncDispose]();
  }

  async #post(name: string, path: string, request: OutgoingRequest, signal: AbortSignal) {
    const { headers, body, timeoutMs } = request;
    using deadline = openDeadline(this.#parts.clock, timeoutMs, 'the app', signal);
    const head = {
      method: 'POST',
      url: `${ORIGIN}${path}`,
      headers: [...Object.entries(headers).flat(), 'content-length', String(body.length)],
      caller: { kind: 'platform', id: 'event' },
    } as const;
    return await askWorker(this.#parts.begin(name), head, body, deadline.signal);
  }
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at === -1 ? undefined : headers[at + 1];
}
