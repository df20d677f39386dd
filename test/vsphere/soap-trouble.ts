/** What can be wrong with calls of SOAP methods, and for how many of them. */
export interface SoapTrouble {
  /** Absent: any. */
  readonly method?: string;
  /** Matching calls that are well before the first that is not. */
  readonly after?: number;
  /** So many calls have it; absent: every one. */
  readonly times?: number;
  /** Before the call is looked at. */
  readonly delayMs?: number;
  /**
   * `unavailable` is a 503 without SOAP, `reset` a connection dropped before the call is carried
   * out, `lost` one dropped after; anything else is the name of a fault. Absent: only late.
   */
  readonly outcome?: 'unavailable' | 'reset' | 'lost' | { readonly fault: string };
}

export class SoapTroubles {
  readonly #troubles: { readonly trouble: SoapTrouble; before: number; left: number }[] = [];

  /** In force until it is disposed, or has happened as often as it was to. */
  add(trouble: SoapTrouble): Disposable {
    const entry = { trouble, before: trouble.after ?? 0, left: trouble.times ?? Infinity };
    this.#troubles.push(entry);
    return { [Symbol.dispose]: () => void (entry.left = 0) };
  }

  take(method: string): SoapTrouble | undefined {
    for (const entry of this.#troubles) {
      if (entry.left <= 0 || (entry.trouble.method ?? method) !== method) continue;
      entry.before -= 1;
      if (entry.before >= 0) continue;
      entry.left -= 1;
      return entry.trouble;
    }
    return undefined;
  }
}
