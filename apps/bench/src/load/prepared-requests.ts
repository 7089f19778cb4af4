import { textFrame } from '../client/text-frame.ts'
import type { BenchFilter } from '../oracle/filter.ts'

/** A REQ as bytes, led by the CLOSE of the one before it on the same connection, so that subscriptions do not pile up. */
export interface PreparedRequest {
  readonly filters: readonly BenchFilter[]
  readonly subscription: Buffer
  readonly frames: Buffer
}

/** Deals the filters out to the connections in turn and prepares their bytes. */
export function prepareRequests(
  filters: readonly (readonly BenchFilter[])[],
  connections: number,
): PreparedRequest[][] {
  const perConnection: PreparedRequest[][] = Array.from({ length: connections }, () => [])
  for (const [n, asked] of filters.entries()) {
    const subscription = `r${n}`
    const req = textFrame(JSON.stringify(['REQ', subscription, ...asked]))
    const close = n < connections ? [] : [textFrame(JSON.stringify(['CLOSE', `r${n - connections}`]))]
    perConnection[n % connections]?.push({
      filters: asked,
      subscription: Buffer.from(subscription),
      frames: Buffer.concat([...close, req]),
    })
  }
  return perConnection
}
