import { open } from 'node:fs/promises'

/** As LMDB writes a page: number and transaction (8 bytes each), padding, flags, and where its free space begins and ends. */
const HEADER_BYTES = 24
const FLAGS_AT = 18
const LOWER_AT = 20
const UPPER_AT = 22
const BRANCH = 1
const LEAF = 2
const OVERFLOW = 4
const META = 8
const KINDS = BRANCH | LEAF | OVERFLOW | META

const PAGES_PER_SLICE = 256

/**
 * Fills the free space within every page of a file that nobody has open with zeros. LMDB's compacting copy leaves free pages out,
 * but copies what lies within eight bytes of a page's entries, and hands out the rest of its buffer as free space.
 * Throws on anything that does not look like a page.
 *
 * @param pause awaited after every slice of two mebibytes
 */
export async function scrubPages(path: string, pageBytes: number, pause: () => Promise<void>): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const { size } = await file.stat()
    const slice = Buffer.allocUnsafe(PAGES_PER_SLICE * pageBytes)
    const pages = size / pageBytes
    let page = 0
    while (page < pages) {
      const { bytesRead } = await file.read(slice, 0, slice.length, page * pageBytes)
      const read = Math.floor(bytesRead / pageBytes)
      if (read === 0) throw new Error(`${path} ends within page ${page}`)
      const next = scrubSlice(slice.subarray(0, read * pageBytes), pageBytes, page)
      await file.write(slice, 0, read * pageBytes, page * pageBytes)
      page = next
      await pause()
    }
  } finally {
    await file.close()
  }
}

/** Answers the page to go on with: a large record may end behind the slice. */
function scrubSlice(slice: Buffer, pageBytes: number, first: number): number {
  let at = 0
  while (at < slice.length) {
    const number = first + at / pageBytes
    const flags = slice.readUInt16LE(at + FLAGS_AT)
    // Other flags are LMDB's own, and only while a page is in memory.
    const kind = flags & KINDS
    if (Number(slice.readBigUInt64LE(at)) !== number || flags !== kind)
      throw new Error(`page ${number} has another layout than this code knows`)
    if (kind === OVERFLOW) {
      at += slice.readUInt32LE(at + LOWER_AT) * pageBytes
      continue
    }
    if (kind === BRANCH || kind === LEAF) scrubPage(slice.subarray(at, at + pageBytes), number)
    else if (kind !== META)
      throw new Error(`page ${number} is of a kind that this code does not know: ${flags}`)
    at += pageBytes
  }
  return first + at / pageBytes
}

function scrubPage(page: Buffer, number: number): void {
  const lower = HEADER_BYTES + page.readUInt16LE(LOWER_AT)
  const upper = HEADER_BYTES + page.readUInt16LE(UPPER_AT)
  if (lower > upper || upper > page.length) throw new Error(`page ${number} has no sound free space`)
  page.fill(0, lower, upper)
}
