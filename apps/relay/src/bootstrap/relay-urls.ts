import { err, fatal, ok, type Result } from '@millrace/kernel'
import { normalizeRelayUrl } from '@millrace/nostr'

/** Checks that AUTH can name these URLs. Fault configuration-invalid. */
export function checkRelayUrls(urls: readonly string[]): Result<readonly string[]> {
  for (const url of urls)
    if (!normalizeRelayUrl(url).ok)
      return err(fatal('configuration-invalid', `RELAY_URL, RELAY_URL_ALIASES: ${url} is not a ws(s):// URL`))
  return ok(urls)
}
