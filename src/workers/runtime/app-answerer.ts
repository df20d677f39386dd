/**
 * Lets an app answer requests:
 *
 *   RequestHead, bytes ▶ Request ▶ fetch(request, context) ▶ Response ▶ ResponseHead, bytes
 *
 * What always holds: an exchange is answered once, by a whole answer or a failure; the text of what
 * an app throws goes to its own log and never to who asked; and when who asked is gone, the app's
 * signal aborts and its body is cancelled.
 */
import { DroverError } from '#kernel/errors.ts';
import type { AnswerWriter, Answerer, RequestHandler, RequestHead } from '#workers/exchange.ts';
import { appFailure, createContext, reportFailure, type AnswererParts } from './app-call.ts';
import { CreditedBody } from './credited-body.ts';
import { ResponseWriter } from './response-writer.ts';
import { UpgradeSocket } from './upgrade-socket.ts';
import { IncomingRequest } from './web-request.ts';

export function createAppAnswerer(parts: AnswererParts): Answerer {
  return (received, body, answer) => {
    const url = URL.parse(received.url)?.href;
    if (url === undefined) return refuse(answer, `${received.url} is no URL`);
    const head = { ...received, url };
    if (head.isUpgrade === true) return upgrade(parts, head, answer);
    const run = new AppRun(parts, head, answer);
    run.start(body);
    return run;
  };
}

class AppRun implements RequestHandler {
  readonly #parts: AnswererParts;
  readonly #head: RequestHead;
  readonly #answer: AnswerWriter;
  readonly #writer: ResponseWriter;
  #body: CreditedBody | undefined;
  #request: Request | undefined;
  #isAborted = false;

  constructor(parts: AnswererParts, head: RequestHead, answer: AnswerWriter) {
    this.#parts = parts;
    this.#head = head;
    this.#answer = answer;
    this.#writer = new ResponseWriter(answer);
  }

  /** The answer comes later, when the other side holds the handler that this is. */
  start(whole: Uint8Array | undefined): void {
    const { work } = this.#parts;
    work.add();
    this.#request = this.#open(whole);
    void this.#run(this.#request).finally(() => work.remove());
  }

  onData(bytes: Uint8Array): void {
    this.#body?.push(bytes);
  }

  onEnd(): void {
    this.#body?.end();
  }

  onAbort(): void {
    this.#isAborted = true;
    if (this.#request !== undefined) IncomingRequest.abort(this.#request);
    this.#body?.fail(new DOMException('the one who asked is gone', 'AbortError'));
    this.#writer.stop();
  }

  onDrain(): void {
    this.#writer.resume();
  }

  async #run(request: Request): Promise<void> {
    const { module } = this.#parts.app;
    try {
      const context = createContext(this.#parts, this.#head, refuseUpgrade);
      const response = await Promise.try(module.fetch, request, context);
      await this.#writer.send(response, request.method === 'HEAD');
    } catch (thrown) {
      this.#fail(thrown);
    }
    // With the answer ends the exchange: what an app has not read by then never comes.
    this.#body?.fail(new DOMException('the request ended with its answer', 'AbortError'));
  }

  #open(whole: Uint8Array | undefined): Request {
    const { method, url, headers, hasBody } = this.#head;
    const isWithout = method === 'GET' || method === 'HEAD';
    if (whole !== undefined || !hasBody) {
      return IncomingRequest.create({ method, url, headers, body: isWithout ? undefined : whole });
    }
    const body = new CreditedBody({
      consume: (byteCount) => this.#answer.consume(byteCount),
      cancel: () => undefined,
    });
    this.#body = body;
    if (isWithout) body.drop();
    const open = isWithout ? undefined : () => body.open();
    return IncomingRequest.create({ method, url, headers, body: open });
  }

  #fail(thrown: unknown): void {
    // What an app says about being interrupted is no failure of it.
    if (this.#isAborted) return;
    reportFailure(this.#parts, this.#head, thrown);
    this.#answer.fail(appFailure());
  }
}

/** What it takes is loaded when it is first asked for: few apps ever do. */
function upgrade(parts: AnswererParts, head: RequestHead, answer: AnswerWriter): RequestHandler {
  const { work } = parts;
  const socket = new UpgradeSocket(answer);
  work.add();
  void import('./upgrade-answerer.ts')
    .then(({ answerUpgrade }) => answerUpgrade(parts, head, socket))
    .catch((thrown: unknown) => {
      reportFailure(parts, head, thrown);
      socket.refuse(appFailure());
    })
    .finally(() => work.remove());
  return socket;
}

function refuseUpgrade(): never {
  throw new TypeError('this request asks for no upgrade: it has no header "upgrade: websocket"');
}

function refuse(answer: AnswerWriter, message: string): RequestHandler {
  const error = new DroverError('invalid_argument', message, { reason: 'INVALID_URL' });
  queueMicrotask(() => answer.fail(error));
  return {
    onData: (bytes) => answer.consume(bytes.length),
    onEnd: () => undefined,
    onAbort: () => undefined,
    onDrain: () => undefined,
  };
}
