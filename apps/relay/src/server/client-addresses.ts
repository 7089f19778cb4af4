import type { IncomingMessage } from 'node:http'
import { err, fatal, ok, type Result } from '@millrace/kernel'
import ipaddr from 'ipaddr.js'
import proxyaddr from 'proxy-addr'

/** Tells a request's client address. */
export type ClientAddressOf = (request: IncomingMessage) => string

/**
 * Whether an address lies in one of the networks.
 * @param setting its name, for the fault
 * @param networks addresses, networks (CIDR) or loopback, linklocal, uniquelocal
 * Fault configuration-invalid.
 */
export function addressesIn(
  setting: string,
  networks: readonly string[],
): Result<(address: string) => boolean> {
  try {
    const contains = proxyaddr.compile([...networks])
    return ok((address) => contains(address, 0))
  } catch (cause) {
    return err(fatal('configuration-invalid', `${setting}: not an address or network`, cause))
  }
}

/**
 * The address of the peer, or what X-Forwarded-For says where the peer is a trusted proxy.
 * @param trustedProxies as in `addressesIn`
 * @param onIgnored called with the peer of a request whose X-Forwarded-For is not believed
 * Fault configuration-invalid.
 */
export function clientAddresses(
  trustedProxies: readonly string[],
  onIgnored: (peer: string) => void = () => {},
): Result<ClientAddressOf> {
  const trusted = addressesIn('TRUSTED_PROXIES', trustedProxies)
  if (!trusted.ok) return trusted
  return ok((request) => {
    const peer = request.socket.remoteAddress ?? ''
    if (request.headers['x-forwarded-for'] !== undefined && !trusted.value(peer)) onIgnored(peer)
    return proxyaddr(request, trusted.value)
  })
}

/**
 * What an address is counted under: IPv6 by its /64, the smallest network that one subscriber is given, so that a client has one count
 * and not 2^64. Whatever is no address shares one key: proxies may pass on anything.
 */
export function addressKey(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  const { parts } = parsed as ipaddr.IPv6
  return `${parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}

/** Counts open connections, in all and by client address (as `addressKey` has it). */
export class ConnectionCount {
  readonly #connectionsMax: number
  readonly #perAddressMax: number
  readonly #byAddress = new Map<string, number>()
  #total = 0

  constructor(bounds: { readonly connectionsMax: number; readonly connectionsPerAddressMax: number }) {
    this.#connectionsMax = bounds.connectionsMax
    this.#perAddressMax = bounds.connectionsPerAddressMax
  }

  get total(): number {
    return this.#total
  }

  /** Takes one in; `all` or `address` tells which bound is reached. */
  tryAdd(address: string): 'added' | 'all' | 'address' {
    const ofAddress = this.#byAddress.get(address) ?? 0
    if (this.#total >= this.#connectionsMax) return 'all'
    if (ofAddress >= this.#perAddressMax) return 'address'
    this.#total++
    this.#byAddress.set(address, ofAddress + 1)
    return 'added'
  }

  remove(address: string): void {
    this.#total--
    const left = (this.#byAddress.get(address) ?? 1) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
  }
}
