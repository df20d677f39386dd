/** Who is to be told that a link has closed: once, and at once if it is too late. */
type CloseCall = (error: Error | undefined) => void;

export class CloseCalls {
  #waiting: CloseCall[] | undefined = [];
  #error: Error | undefined;

  add(call: CloseCall): void {
    if (this.#waiting === undefined) queueMicrotask(() => call(this.#error));
    else this.#waiting.push(call);
  }

  run(error: Error | undefined): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    this.#error = error;
    for (const call of waiting) call(error);
  }
}
