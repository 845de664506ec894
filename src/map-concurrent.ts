/**
 * Maps a stream with up to `concurrency` calls under way, in order: what `for await` sees never depends on which call
 * was fastest. When it ends, by itself, by an error or by the consumer, no call is left running.
 */
export async function* mapConcurrent<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  concurrency: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = map(item);
      // It is awaited in its turn; until then a failure must not count as unhandled.
      result.catch(() => {});
      pending.push(result);
      if (pending.length >= concurrency) yield await pending.shift()!;
    }
    while (pending.length > 0) yield await pending.shift()!;
  } finally {
    await Promise.allSettled(pending);
  }
}
