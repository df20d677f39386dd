/** The server's end of a WebSocket whose client takes what a test lets it take. */
import { EventEmitter } from 'node:events';
import type { LiveBatch } from '#surfaces/edge/live-batch.ts';
import type { LiveSocket } from '#surfaces/edge/live-client.ts';

interface Message {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export class FakeLiveSocket extends EventEmitter implements LiveSocket {
  readonly sent: string[] = [];
  bufferedAmount = 0;
  pings = 0;
  closed: number | undefined;
  isTerminated = false;

  send(text: string): void {
    this.sent.push(text);
  }

  sendAll({ messages, hasPing }: LiveBatch): void {
    for (const { text } of messages) this.sent.push(text);
    if (hasPing) this.pings += 1;
  }

  ping(): void {
    this.pings += 1;
  }

  close(code: number): void {
    this.closed = code;
  }

  terminate(): void {
    this.isTerminated = true;
    this.emit('close');
  }

  get messages(): readonly Message[] {
    return this.sent.map((text) => JSON.parse(text) as Message);
  }

  /** And forgets what was there before. */
  take(): readonly Message[] {
    const { messages } = this;
    this.sent.length = 0;
    return messages;
  }

  types(): readonly string[] {
    return this.messages.map(({ type }) => type);
  }
}
