/** Order of bytes, as LMDB sorts keys. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b)
