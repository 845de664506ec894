/**
 * Works through items in order with a number of slots, each with one item at a time; no further one is begun once
 * `stop` is aborted. `work` must not throw.
 *
 * @param work Is told which slot it has, from 0.
 */
export async function runPool<T>(
  items: readonly T[],
  slots: number,
  stop: AbortSignal,
  work: (item: T, slot: number) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const runSlot = async (slot: number) => {
    for (;;) {
      if (stop.aborted) return;
      const { value, done } = waiting.next();
      if (done) return;
      await work(value, slot);
    }
  };
  await Promise.all(Array.from({ length: Math.min(slots, items.length) }, (_, i) => runSlot(i)));
}
