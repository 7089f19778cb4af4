export const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex')

export const hexOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')

export const hexOrNull = (bytes: Uint8Array | null): string | null => (bytes === null ? null : hexOf(bytes))
