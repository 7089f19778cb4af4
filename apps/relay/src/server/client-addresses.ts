import type { IncomingMessage } from 'node:http'
import { err, fatal, ok, type Result } from '@millrace/kernel'
import proxyaddr from 'proxy-addr'

/** Tells a request's client address. */
export type ClientAddressOf = (request: IncomingMessage) => string

/**
 * The address of the peer, or what X-Forwarded-For says where the peer is a trusted proxy.
 * @param trustedProxies addresses, networks (CIDR) or loopback, linklocal, uniquelocal
 * Fault configuration-invalid.
 */
export function clientAddresses(trustedProxies: readonly string[]): Result<ClientAddressOf> {
  try {
    const trust = proxyaddr.compile([...trustedProxies])
    return ok((request) => proxyaddr(request, trust))
  } catch (cause) {
    return err(fatal('configuration-invalid', 'TRUSTED_PROXIES: not an address or network', cause))
  }
}

/** Counts open connections, in all and by client address. */
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
