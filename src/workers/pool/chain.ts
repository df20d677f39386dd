/** A list whose members can leave from anywhere, and move, at the same cost however long it is. */

/** A place that a value can take in a chain, in one at a time. Owned by the value. */
export class ChainNode<T> {
  readonly value: T;
  chain: Chain<T> | undefined;
  previous: ChainNode<T> | undefined;
  next: ChainNode<T> | undefined;

  constructor(value: T) {
    this.value = value;
  }
}

export class Chain<T> {
  #first: ChainNode<T> | undefined;
  #last: ChainNode<T> | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#first?.value;
  }

  get last(): T | undefined {
    return this.#last?.value;
  }

  /** To the end; from wherever it was. */
  push(node: ChainNode<T>): void {
    node.chain?.remove(node);
    node.chain = this;
    node.previous = this.#last;
    if (this.#last === undefined) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.#length += 1;
  }

  /** To the front; from wherever it was. */
  unshift(node: ChainNode<T>): void {
    node.chain?.remove(node);
    node.chain = this;
    node.next = this.#first;
    if (this.#first === undefined) this.#last = node;
    else this.#first.previous = node;
    this.#first = node;
    this.#length += 1;
  }

  shift(): T | undefined {
    const node = this.#first;
    if (node !== undefined) this.remove(node);
    return node?.value;
  }

  /** False when it was not in this chain. */
  remove(node: ChainNode<T>): boolean {
    if (node.chain !== this) return false;
    if (node.previous === undefined) this.#first = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#last = node.previous;
    else node.next.previous = node.previous;
    node.chain = undefined;
    node.previous = undefined;
    node.next = undefined;
    this.#length -= 1;
    return true;
  }

  /** From the first to the last. The member at hand may leave meanwhile, and no other. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    let node = this.#first;
    while (node !== undefined) {
      const { next } = node;
      yield node.value;
      node = next;
    }
  }
}
