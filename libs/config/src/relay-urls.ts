const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/** Where clients reach a relay. */
export interface RelayAddress {
  readonly host: string
  readonly url: string | null
  readonly urlAliases: readonly string[]
}

/** Every URL that clients may name the relay by (NIP-42, NIP-62), the main one first; on loopback all its spellings. */
export function relayUrls(address: RelayAddress, port: number): readonly string[] {
  if (address.url !== null) return [address.url, ...address.urlAliases]
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  // Bound to every interface or to loopback alone: either way people on this machine come through loopback.
  const isLocal = LOOPBACK.includes(host) || host === '0.0.0.0' || host === '[::]'
  const hosts = isLocal ? LOOPBACK : [host]
  return [...hosts.map((name) => `ws://${name}:${port}`), ...address.urlAliases]
}
