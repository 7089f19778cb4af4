import { join } from 'node:path'
import {
  type ConfigOf,
  clickHouseSection,
  defineSection,
  erasureSection,
  kafkaSection,
  list,
  optionalText,
  port,
  processSection,
  text,
  wholeNumber,
} from '@millrace/config'
import { z } from 'zod'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const WORKERS_MAX = 64

/** How clients reach this edge and what it tells them about itself. */
const edgeSection = defineSection(
  'Edge',
  {
    EDGE_ID: text('edge-1', 'Name of this edge: its consumer groups are fanout.<edge id> and view.<edge id>'),
    RELAY_WORKERS: wholeNumber(
      'processes',
      1,
      'Processes that share the port and the serving view of this edge; more than one have a primary process beside them, which starts by itself, and share out all bounds and rates of the edge',
      { min: 1, max: WORKERS_MAX },
    ),
    RELAY_HOST: text('127.0.0.1', 'Interface for clients (WebSocket and NIP-11)'),
    RELAY_PORT: port(7777, 'Port for clients; 0 takes a free one'),
    RELAY_URL: optionalText(
      'URL under which clients reach the relay (NIP-42); default ws://<RELAY_HOST>:<RELAY_PORT>',
    ),
    RELAY_URL_ALIASES: list('Further URLs of the same relay that AUTH may name'),
    RELAY_SECRET_KEY_FILE: optionalText(
      "File with the relay's own secret key, hex; made at first start; default <MILLRACE_DATA>/relay-secret.key",
    ),
    RELAY_NAME: text('Millrace', 'NIP-11 name'),
    RELAY_DESCRIPTION: text('An event-sourced Nostr relay', 'NIP-11 description'),
    RELAY_CONTACT: optionalText('NIP-11 contact, a URI'),
    RELAY_ADMIN_PUBKEY: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hex characters')
      .optional()
      .describe('NIP-11 pubkey of the administrator'),
    TRUSTED_PROXIES: list(
      'Addresses or networks of proxies whose X-Forwarded-For is believed; also loopback, linklocal, uniquelocal',
    ),
  },
  (v) => ({
    id: v.EDGE_ID,
    workers: v.RELAY_WORKERS,
    host: v.RELAY_HOST,
    port: v.RELAY_PORT,
    url: v.RELAY_URL ?? null,
    urlAliases: v.RELAY_URL_ALIASES,
    secretKeyFile: v.RELAY_SECRET_KEY_FILE ?? null,
    name: v.RELAY_NAME,
    description: v.RELAY_DESCRIPTION,
    contact: v.RELAY_CONTACT ?? null,
    adminPubkey: v.RELAY_ADMIN_PUBKEY ?? null,
    trustedProxies: v.TRUSTED_PROXIES,
  }),
)

/** What one client, and all of them together, may take. */
const boundsSection = defineSection(
  'Bounds of the edge',
  {
    CONNECTIONS_MAX: wholeNumber('connections', 10_000, 'Open WebSocket connections', { min: 1 }),
    CONNECTIONS_PER_ADDRESS_MAX: wholeNumber('connections', 2_000, 'Of them from one client address', {
      min: 1,
    }),
    HANDSHAKE_TIMEOUT_MS: wholeNumber('ms', 10_000, 'Longest time from a connection to its HTTP request', {
      min: 100,
    }),
    PING_INTERVAL_MS: wholeNumber(
      'ms',
      30_000,
      'Pause between pings; a client silent for two of them is gone',
      { min: 50 },
    ),
    OUTBOX_BYTES_MAX: wholeNumber('bytes', 8 * MIB, 'Bytes that may wait for one slow client', {
      min: 64 * 1024,
    }),
    OUTBOX_DRAIN_TIMEOUT_MS: wholeNumber('ms', 30_000, 'Longest standstill of a client that reads results', {
      min: 50,
    }),
    EVENTS_IN_FLIGHT_MAX: wholeNumber('events', 256, 'EVENTs of one connection that await their OK', {
      min: 1,
    }),
    QUERIES_PER_CONNECTION_MAX: wholeNumber('queries', 8, 'REQs of one connection that are read at once', {
      min: 1,
    }),
    REQ_TIMEOUT_MS: wholeNumber('ms', 8_000, 'Longest wait for the next results of a REQ', { min: 50 }),
    LIVE_BUFFER_EVENTS_MAX: wholeNumber('events', 10_000, 'New events kept for one REQ until its EOSE', {
      min: 1,
    }),
    SUBSCRIPTION_VALUES_PER_CONNECTION_MAX: wholeNumber(
      'values',
      250_000,
      'Values in the filters of all open subscriptions of one connection, long texts once for every 64 characters',
      { min: 100 },
    ),
    AUTHED_PUBKEYS_MAX: wholeNumber('pubkeys', 64, 'Pubkeys one connection may authenticate as', { min: 1 }),
  },
  (v) => ({
    connectionsMax: v.CONNECTIONS_MAX,
    connectionsPerAddressMax: v.CONNECTIONS_PER_ADDRESS_MAX,
    handshakeTimeoutMs: v.HANDSHAKE_TIMEOUT_MS,
    pingIntervalMs: v.PING_INTERVAL_MS,
    outboxBytesMax: v.OUTBOX_BYTES_MAX,
    outboxDrainTimeoutMs: v.OUTBOX_DRAIN_TIMEOUT_MS,
    eventsInFlightMax: v.EVENTS_IN_FLIGHT_MAX,
    queriesPerConnectionMax: v.QUERIES_PER_CONNECTION_MAX,
    reqTimeoutMs: v.REQ_TIMEOUT_MS,
    liveBufferEventsMax: v.LIVE_BUFFER_EVENTS_MAX,
    subscriptionValuesPerConnectionMax: v.SUBSCRIPTION_VALUES_PER_CONNECTION_MAX,
    authedPubkeysMax: v.AUTHED_PUBKEYS_MAX,
  }),
)

/** How fast one client address may go; all connections of the process share what an address has. */
const ratesSection = defineSection(
  'Rate limits',
  {
    EVENTS_PER_ADDRESS_PER_S: wholeNumber(
      'events/s',
      50,
      'EVENTs a second from one client address; 0 = no limit',
    ),
    EVENTS_PER_ADDRESS_BURST: wholeNumber('events', 500, 'Of them at once', { min: 1 }),
    REQS_PER_ADDRESS_PER_S: wholeNumber(
      'queries/s',
      100,
      'REQs and other queries a second from one client address; 0 = no limit',
    ),
    REQS_PER_ADDRESS_BURST: wholeNumber('queries', 1_000, 'Of them at once', { min: 1 }),
    AUTHS_PER_ADDRESS_PER_S: wholeNumber(
      'AUTHs/s',
      10,
      'AUTHs a second from one client address; 0 = no limit',
    ),
    AUTHS_PER_ADDRESS_BURST: wholeNumber('AUTHs', 200, 'Of them at once', { min: 1 }),
    CONNECTIONS_PER_ADDRESS_PER_S: wholeNumber(
      'connections/s',
      10,
      'New connections and plain HTTP requests a second from one client address; 0 = no limit',
    ),
    CONNECTIONS_PER_ADDRESS_BURST: wholeNumber('connections', 200, 'Of them at once', { min: 1 }),
    BYTES_PER_ADDRESS_PER_S: wholeNumber(
      'bytes/s',
      MIB,
      'Bytes a second from one client address, each frame counting 256 more; past it its sockets are read later; 0 = no limit',
    ),
    BYTES_PER_ADDRESS_BURST: wholeNumber('bytes', 16 * MIB, 'Of them at once', { min: 1 }),
    RATE_LIMIT_EXEMPT: list(
      'Addresses or networks without these limits, as in TRUSTED_PROXIES; none = no address is exempt',
      'loopback',
    ),
    RATE_LIMIT_ADDRESSES_MAX: wholeNumber(
      'addresses',
      50_000,
      'Addresses without a connection whose use is remembered, until they may do all at once again',
      { min: 1 },
    ),
  },
  (v) => ({
    rates: {
      event: { perS: v.EVENTS_PER_ADDRESS_PER_S, burst: v.EVENTS_PER_ADDRESS_BURST },
      query: { perS: v.REQS_PER_ADDRESS_PER_S, burst: v.REQS_PER_ADDRESS_BURST },
      auth: { perS: v.AUTHS_PER_ADDRESS_PER_S, burst: v.AUTHS_PER_ADDRESS_BURST },
      connection: { perS: v.CONNECTIONS_PER_ADDRESS_PER_S, burst: v.CONNECTIONS_PER_ADDRESS_BURST },
      byte: { perS: v.BYTES_PER_ADDRESS_PER_S, burst: v.BYTES_PER_ADDRESS_BURST },
    },
    exempt: v.RATE_LIMIT_EXEMPT.filter((network) => network !== 'none'),
    addressesMax: v.RATE_LIMIT_ADDRESSES_MAX,
  }),
)

/** What is admitted, and what the edge keeps in memory for it. */
const admissionSection = defineSection(
  'Admission',
  {
    EVENT_FUTURE_MAX_S: wholeNumber('s', 900, 'How far ahead of now an event may be dated'),
    EVENT_PAST_MAX_S: wholeNumber('s', 0, 'How far back an event may be dated; 0 = any time'),
    KNOWN_IDS_EXPECTED: wholeNumber('ids', 1_000_000, 'First size of the duplicate filter; it grows', {
      min: 1_000,
    }),
    WINNERS_CACHED_MAX: wholeNumber(
      'addresses',
      100_000,
      'Current versions of replaceable events held in memory',
      { min: 1 },
    ),
    RECENT_IDS_MAX: wholeNumber('ids', 100_000, 'Ids recently acknowledged or delivered, held exactly', {
      min: 1,
      max: 10_000_000,
    }),
    REQUEST_SETTLE_MS: wholeNumber(
      'ms',
      1_000,
      'Pause between looks at whether the deletion consumer has turned acknowledged kinds 5 and 62 into tombstones',
      { min: 10 },
    ),
    LOOKUP_TIMEOUT_MS: wholeNumber(
      'ms',
      1_000,
      'Longest wait for ClickHouse to tell whether an event is known; after it the event is appended anyway',
      { min: 1 },
    ),
    OVERLAY_EVENTS_MAX: wholeNumber(
      'events',
      500_000,
      'Acknowledged events that neither storage nor the serving view answers for yet; past it EVENTs are refused',
      { min: 1 },
    ),
    OVERLAY_BYTES_MAX: wholeNumber('bytes', 512 * MIB, 'Their size; past it EVENTs are refused', {
      min: MIB,
    }),
    PRODUCE_LINGER_MS: wholeNumber(
      'ms',
      0,
      'Longest wait for company before events are sent to Kafka; 0: those that come while a batch is under way leave together',
      { max: 3 },
    ),
    VERIFIER: z
      .enum(['auto', 'libsecp256k1', 'nostr-wasm'])
      .default('auto')
      .describe('Signature checks; auto: libsecp256k1 where the machine has it'),
    WATERMARK_POLL_MS: wholeNumber('ms', 250, "Pause between two looks at storage's watermark", { min: 10 }),
  },
  (v) => ({
    eventFutureMaxS: v.EVENT_FUTURE_MAX_S,
    eventPastMaxS: v.EVENT_PAST_MAX_S,
    knownIdsExpected: v.KNOWN_IDS_EXPECTED,
    winnersCachedMax: v.WINNERS_CACHED_MAX,
    recentIdsMax: v.RECENT_IDS_MAX,
    requestSettleMs: v.REQUEST_SETTLE_MS,
    lookupTimeoutMs: v.LOOKUP_TIMEOUT_MS,
    overlayEventsMax: v.OVERLAY_EVENTS_MAX,
    overlayBytesMax: v.OVERLAY_BYTES_MAX,
    produceLingerMs: v.PRODUCE_LINGER_MS,
    verifier: v.VERIFIER,
    watermarkPollMs: v.WATERMARK_POLL_MS,
  }),
)

/** The LMDB projection of the log that answers REQs; in <MILLRACE_DATA>/views/<edge id>. */
const viewSection = defineSection(
  'Serving view',
  {
    SERVING_VIEW: z
      .enum(['on', 'off'])
      .default('on')
      .describe('Whether REQs are answered from a view on this edge; off: always from ClickHouse'),
    VIEW_BYTES_MAX: wholeNumber('bytes', 8 * GIB, 'Regular events in the serving view; the oldest leave it', {
      min: MIB,
    }),
    VIEW_WINNERS_BYTES_MAX: wholeNumber(
      'bytes',
      4 * GIB,
      'Current versions of replaceable and addressable events in it: a budget of their own',
      { min: MIB },
    ),
    VIEW_AGE_DAYS_MAX: wholeNumber('days', 0, 'Regular events dated further back leave it; 0 = none does'),
  },
  (v) => ({
    isOn: v.SERVING_VIEW === 'on',
    viewBytesMax: v.VIEW_BYTES_MAX,
    viewWinnersBytesMax: v.VIEW_WINNERS_BYTES_MAX,
    viewAgeDaysMax: v.VIEW_AGE_DAYS_MAX,
  }),
)

export const SECTIONS = {
  process: processSection(7778),
  kafka: kafkaSection,
  clickhouse: clickHouseSection,
  edge: edgeSection,
  bounds: boundsSection,
  limits: ratesSection,
  admission: admissionSection,
  view: viewSection,
  erasure: erasureSection,
}

export type RelayConfig = ConfigOf<typeof SECTIONS>
export type EdgeConfig = RelayConfig['edge']
export type Bounds = RelayConfig['bounds']
export type LimitsConfig = RelayConfig['limits']
export type AdmissionConfig = RelayConfig['admission']

export const viewFolderOf = ({ edge, process }: Pick<RelayConfig, 'edge' | 'process'>): string =>
  join(process.dataDir, 'views', edge.id)

export const secretKeyFileOf = ({ edge, process }: Pick<RelayConfig, 'edge' | 'process'>): string =>
  edge.secretKeyFile ?? join(process.dataDir, 'relay-secret.key')
