/** Runs `work` in so many strands at once, each again and again, until `isOver`; the first failure is thrown. */
export async function inStrands(
  count: number,
  isOver: () => boolean,
  work: (strand: number) => Promise<void>,
): Promise<void> {
  let failed = false;
  const strands = Array.from({ length: count }, async (_, strand) => {
    while (!isOver() && !failed)
      await work(strand).catch((error: unknown) => {
        failed = true;
        throw error;
      });
  });
  await Promise.allSettled(strands);
  await Promise.all(strands);
}

/** Does something for each item, at most so many at once; results in the order of the items. */
export async function forEachOf<T, Result>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, at: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  await inStrands(
    Math.min(atOnce, items.length),
    () => next >= items.length,
    async () => {
      const at = next++;
      results[at] = await work(items[at]!, at);
    },
  );
  return results;
}
