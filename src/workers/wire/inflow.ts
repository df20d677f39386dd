/**
 * The receiving half of a body under credit: how much the sender may still send, and when to grant
 * more. It keeps to the sender's tariff: see outflow.ts. Credit goes back once half a window of it
 * has gathered, all that a short frame was charged above its length included.
 */
import { LEAST_CHARGE, WINDOW_BYTES } from './outflow.ts';

export class Inflow {
  /** What the sender may still be charged. */
  #room = WINDOW_BYTES;
  /** Bytes that came and are not dealt with, and what they were charged beyond their number. */
  #unread = 0;
  #surcharge = 0;
  /** Dealt with, and not granted again yet. */
  #free = 0;

  take(byteCount: number): void {
    const charge = Math.max(byteCount, LEAST_CHARGE);
    if (byteCount === 0 || charge > this.#room) {
      throw new Error('wire: data came that no credit was granted for');
    }
    this.#room -= charge;
    this.#unread += byteCount;
    this.#surcharge += charge - byteCount;
  }

  /** Answers with the credit to grant, or 0 while it is too little to be worth a frame. */
  consume(byteCount: number): number {
    const dealtWith = Math.min(byteCount, this.#unread);
    if (dealtWith <= 0) return 0;
    const surcharge = Math.floor((this.#surcharge * dealtWith) / this.#unread);
    this.#unread -= dealtWith;
    this.#surcharge -= surcharge;
    this.#free += dealtWith + surcharge;
    if (this.#free < WINDOW_BYTES / 2) return 0;
    const granted = this.#free;
    this.#room += granted;
    this.#free = 0;
    return granted;
  }
}
