import { err, fatal, ok, type Result } from '@millrace/kernel'
import { normalizeRelayUrl } from '@millrace/nostr'
import type { EdgeConfig } from '../config.ts'

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/** Checks that AUTH can name these URLs. Fault configuration-invalid. */
export function checkRelayUrls(urls: readonly string[]): Result<readonly string[]> {
  for (const url of urls)
    if (!normalizeRelayUrl(url).ok)
      return err(fatal('configuration-invalid', `RELAY_URL, RELAY_URL_ALIASES: ${url} is not a ws(s):// URL`))
  return ok(urls)
}

/** Every URL that AUTH may name (NIP-42), the main one first; on loopback all its spellings. */
export function relayUrls(
  edge: Pick<EdgeConfig, 'url' | 'urlAliases' | 'host'>,
  port: number,
): readonly string[] {
  if (edge.url !== null) return [edge.url, ...edge.urlAliases]
  const host = edge.host.includes(':') ? `[${edge.host}]` : edge.host
  // Bound to every interface or to loopback alone: either way people on this machine come through loopback.
  const isLocal = LOOPBACK.includes(host) || host === '0.0.0.0' || host === '[::]'
  const hosts = isLocal ? LOOPBACK : [host]
  return [...hosts.map((name) => `ws://${name}:${port}`), ...edge.urlAliases]
}
