import type { Database } from 'lmdb'

const PAGE_KEYS = 1_000
const NEXT = Buffer.alloc(1)

/** Keys of a range in order, read by the page, so that the table may change meanwhile. */
export function* pagesOf(
  table: Database<Buffer, Buffer>,
  { start, end }: { readonly start: Buffer; readonly end: Buffer },
): Generator<Buffer> {
  let from = start
  for (;;) {
    const page = [...table.getKeys({ start: from, end, limit: PAGE_KEYS })].map((key) => Buffer.from(key))
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE_KEYS) return
    from = Buffer.concat([last, NEXT])
  }
}
