import { defineSection } from '../define.ts'
import type { RelayAddress } from '../relay-urls.ts'
import { list, optionalText, port, text } from '../values.ts'

/** How clients name the relay, for processes that are none: a request to vanish (NIP-62) means these URLs. */
export const relayAddressSection = defineSection(
  'Relay address',
  {
    RELAY_HOST: text('127.0.0.1', 'Interface for clients (WebSocket and NIP-11)'),
    RELAY_PORT: port(7777, 'Port for clients; 0 takes a free one'),
    RELAY_URL: optionalText(
      'URL under which clients reach the relay (NIP-42); default ws://<RELAY_HOST>:<RELAY_PORT>',
    ),
    RELAY_URL_ALIASES: list('Further URLs of the same relay that AUTH may name'),
  },
  (v): RelayAddress & { readonly port: number } => ({
    host: v.RELAY_HOST,
    port: v.RELAY_PORT,
    url: v.RELAY_URL ?? null,
    urlAliases: v.RELAY_URL_ALIASES,
  }),
)
