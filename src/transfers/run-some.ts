/** Does something for each, some at a time. The first that fails stops the others, and is told. */
export async function runSome<T>(
  items: readonly T[],
  atOnce: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const joined = AbortSignal.any([signal, stop.signal]);
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      joined.throwIfAborted();
      await work(item, joined);
    }
  };
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, async () => {
    try {
      await worker();
    } catch (thrown) {
      // The others fail by this abort; what they say then is not the reason.
      stop.abort(thrown);
      throw thrown;
    }
  });
  const results = await Promise.allSettled(workers);
  if (results.some(({ status }) => status === 'rejected')) {
    throw (signal.aborted ? signal.reason : stop.signal.reason) as Error;
  }
}
