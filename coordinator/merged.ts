/** The items of two iterables as they come, until both end, one throws, or the signal aborts. */
export async function* merged<TLeft, TRight>(
  left: AsyncIterable<TLeft>,
  right: AsyncIterable<TRight>,
  signal: AbortSignal,
): AsyncGenerator<TLeft | TRight> {
  const sources = new Map(
    [left, right].map((iterable, index): [number, Source<TLeft | TRight>] => {
      const iterator: AsyncIterator<TLeft | TRight> = iterable[Symbol.asyncIterator]();
      return [index, { iterator, next: pull(index, iterator) }];
    }),
  );
  try {
    while (sources.size > 0 && !signal.aborted) {
      const { index, result } = await Promise.race([...sources.values()].map(({ next }) => next));
      const source = sources.get(index);
      if (source === undefined || result.done === true) {
        sources.delete(index);
        continue;
      }
      source.next = pull(index, source.iterator);
      yield result.value;
    }
  } finally {
    for (const { iterator, next } of sources.values()) {
      next.catch(() => undefined);
      void iterator.return?.().catch(() => undefined);
    }
  }
}

async function pull<TItem>(
  index: number,
  iterator: AsyncIterator<TItem>,
): Promise<{ index: number; result: IteratorResult<TItem> }> {
  return { index, result: await iterator.next() };
}

interface Source<TItem> {
  iterator: AsyncIterator<TItem>;
  next: ReturnType<typeof pull<TItem>>;
}
