/**
 * The log of one request: what is written there carries its id. Most requests write nothing, and
 * making a logger takes longer than all else that Fastify does for them, so it is made when needed.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { Logger } from './logger.ts';

type Line = Parameters<Logger['info']>;

export class RequestLog implements FastifyBaseLogger {
  readonly #parent: Logger;
  readonly #bindings: Record<string, unknown>;
  #log: Logger | undefined;

  constructor(parent: Logger, bindings: Record<string, unknown>) {
    this.#parent = parent;
    this.#bindings = bindings;
  }

  get level(): string {
    return this.#parent.level;
  }

  fatal(...line: unknown[]): void {
    this.#open().fatal(...(line as Line));
  }

  error(...line: unknown[]): void {
    this.#open().error(...(line as Line));
  }

  warn(...line: unknown[]): void {
    this.#open().warn(...(line as Line));
  }

  info(...line: unknown[]): void {
    this.#open().info(...(line as Line));
  }

  debug(...line: unknown[]): void {
    this.#open().debug(...(line as Line));
  }

  trace(...line: unknown[]): void {
    this.#open().trace(...(line as Line));
  }

  silent(): void {}

  child(bindings: Record<string, unknown>): FastifyBaseLogger {
    return this.#open().child(bindings);
  }

  #open(): Logger {
    this.#log ??= this.#parent.child(this.#bindings);
    return this.#log;
  }
}
