// parallel: many requests, a few at a time.

/** `work` for each item, `width` at once; the results in the order of the items. */
export async function inParallel(items, work, width = 16) {
  const results = new Array(items.length);
  let next = 0;
  async function lane() {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i], i);
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}
