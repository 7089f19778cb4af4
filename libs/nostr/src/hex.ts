const HEX_64 = /^[0-9a-f]{64}$/
const HEX_128 = /^[0-9a-f]{128}$/

/** Whether the value is 32 bytes of lowercase hex: the only spelling of ids and public keys in NIP-01. */
export const isHex64 = (value: unknown): value is string => typeof value === 'string' && HEX_64.test(value)

/** Whether the value is 64 bytes of lowercase hex: the spelling of a signature in NIP-01. */
export const isHex128 = (value: unknown): value is string => typeof value === 'string' && HEX_128.test(value)
