/**
 * Works on several items at once and gives the results in the order of the items: what the
 * threads of libuv do side by side comes out as if it was done one by one.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  work: (item: Item) => Promise<Result>,
  mostAtOnce: number,
): AsyncGenerator<Result, void, undefined> {
  const underWay: Promise<Result>[] = [];
  for await (const item of items) {
    const result = work(item);
    // Its turn to be awaited comes later, or never when an earlier one fails.
    result.catch(() => undefined);
    underWay.push(result);
    const first = underWay.length >= mostAtOnce ? underWay.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const result of underWay) yield await result;
}
