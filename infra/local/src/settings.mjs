import { OperatorError } from './operator-error.mjs'
import { dataDirectory } from './paths.mjs'
import { freePorts, isPortFree } from './process/ports.mjs'

/**
 * A setting as docs/configuration.md shows it.
 * @typedef {{ name: string, description: string, type: string, default: string, secret: boolean }} SettingDoc
 */

/** @param {string} name @param {string} description @param {string} type @param {string} [fallback] @returns {SettingDoc} */
const setting = (name, description, type, fallback = '') => ({
  name,
  description,
  type,
  default: fallback,
  secret: name.endsWith('_PASSWORD'),
})

/** What `npm start` and `npm test` read themselves; everything else in the environment goes on to the processes. */
export const LAUNCHER_SETTINGS = [
  setting('MILLRACE_DATA', 'Folder for everything kept on disk; one stack per folder', 'path', './.millrace'),
  setting(
    'MILLRACE_CACHE',
    "Folder for downloads that stacks share (Kafka's jars)",
    'path',
    './.millrace/cache',
  ),
  setting('RELAY_PORT', 'WebSocket and NIP-11 of the first edge', 'port', '7777'),
  setting('RELAY_HOST', 'Interface the edges listen on', 'address', '127.0.0.1'),
  setting(
    'RELAY_URL',
    'URL under which clients reach the first edge (NIP-42)',
    'URL',
    'ws://127.0.0.1:<RELAY_PORT>',
  ),
  setting(
    'RELAY_OPS_PORT',
    'Ops server of the first edge; a free port when the default is taken',
    'port',
    '7778',
  ),
  setting('STORAGE_OPS_PORT', 'Ops server of storage; a free port when the default is taken', 'port', '7779'),
  setting(
    'DELETION_OPS_PORT',
    'Ops server of deletion; a free port when the default is taken',
    'port',
    '7782',
  ),
  setting('API_PORT', 'Query API', 'port', '7780'),
  setting('API_HOST', 'Interface the query API listens on', 'address', '127.0.0.1'),
  setting('KAFKA_PORT', 'The local broker', 'port', '9092'),
  setting('KAFKA_CONTROLLER_PORT', "The local broker's controller", 'port', 'KAFKA_PORT + 1'),
  setting(
    'KAFKA_BROKERS',
    'Brokers elsewhere (host:port, …): no local Kafka is started',
    'comma-separated list',
  ),
  setting('CLICKHOUSE_HTTP_PORT', 'The local ClickHouse, HTTP', 'port', '8123'),
  setting('CLICKHOUSE_TCP_PORT', 'The local ClickHouse, native protocol', 'port', '9000'),
  setting('CLICKHOUSE_URL', 'A ClickHouse elsewhere: no local one is started', 'URL'),
  setting('CLICKHOUSE_MEMORY_BYTES_MAX', 'Memory of the local ClickHouse', 'bytes', String(3 * 1024 ** 3)),
  setting('CLICKHOUSE_ANALYST_USER', 'Read-only user for SQL by hand', 'text', 'analyst'),
  setting('CLICKHOUSE_ANALYST_PASSWORD', 'Its password; none when unset', 'text'),
  setting('NO_COLOR', 'Any value: plain text, as --no-color', 'text'),
]

/**
 * The ports of one stack.
 * @typedef {object} StackPorts
 * @property {number} relay
 * @property {number} relayOps
 * @property {number} storageOps
 * @property {number} deletionOps
 * @property {number} api
 * @property {number} kafka
 * @property {number} kafkaController
 * @property {number} clickHouseHttp
 * @property {number} clickHouseTcp
 *
 * @typedef {object} StackSettings
 * @property {string} dataDir
 * @property {StackPorts} ports
 * @property {string} relayHost
 * @property {string} apiHost
 * @property {string | null} relayUrl
 * @property {string | null} externalKafka
 * @property {string | null} externalClickHouse
 * @property {number} clickHouseMemoryBytesMax
 */

/** The variable that moves each port. @type {Readonly<Record<keyof StackPorts, string>>} */
export const PORT_VARIABLES = {
  relay: 'RELAY_PORT',
  relayOps: 'RELAY_OPS_PORT',
  storageOps: 'STORAGE_OPS_PORT',
  deletionOps: 'DELETION_OPS_PORT',
  api: 'API_PORT',
  kafka: 'KAFKA_PORT',
  kafkaController: 'KAFKA_CONTROLLER_PORT',
  clickHouseHttp: 'CLICKHOUSE_HTTP_PORT',
  clickHouseTcp: 'CLICKHOUSE_TCP_PORT',
}

/** @param {NodeJS.ProcessEnv} env @param {string} name @param {number} fallback @param {number} [max] */
function wholeNumber(env, name, fallback, max = Number.MAX_SAFE_INTEGER) {
  const text = env[name]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new OperatorError(`${name} must be a whole number from 1 to ${max}, not "${text}"`)
  return value
}

/**
 * Reads the environment; throws OperatorError for a wrong value or two parts on one port.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {StackSettings}
 */
export function readSettings(env = process.env) {
  /** @param {keyof StackPorts} port @param {number} fallback */
  const port = (port, fallback) => wholeNumber(env, PORT_VARIABLES[port], fallback, 65_535)
  const kafka = port('kafka', 9092)
  const settings = {
    dataDir: dataDirectory(env),
    relayHost: env['RELAY_HOST'] || '127.0.0.1',
    apiHost: env['API_HOST'] || '127.0.0.1',
    relayUrl: env['RELAY_URL'] || null,
    externalKafka: env['KAFKA_BROKERS'] || null,
    externalClickHouse: env['CLICKHOUSE_URL'] || null,
    clickHouseMemoryBytesMax: wholeNumber(env, 'CLICKHOUSE_MEMORY_BYTES_MAX', 3 * 1024 ** 3),
    ports: {
      relay: port('relay', 7777),
      relayOps: port('relayOps', 7778),
      storageOps: port('storageOps', 7779),
      deletionOps: port('deletionOps', 7782),
      api: port('api', 7780),
      kafka,
      kafkaController: port('kafkaController', kafka === 65_535 ? kafka - 1 : kafka + 1),
      clickHouseHttp: port('clickHouseHttp', 8123),
      clickHouseTcp: port('clickHouseTcp', 9000),
    },
  }
  assertDistinct(settings, env)
  return settings
}

/** @param {StackSettings} settings @param {NodeJS.ProcessEnv} env */
function assertDistinct(settings, env) {
  /** @type {Map<number, string>} */
  const seen = new Map()
  for (const [name, port] of usedPorts(settings)) {
    // An ops port that nobody chose moves away by itself.
    if (isMovable(name, env)) continue
    const other = seen.get(port)
    if (other !== undefined)
      throw new OperatorError(`${PORT_VARIABLES[name]} and ${other} are both ${port}: move one of them`)
    seen.set(port, PORT_VARIABLES[name])
  }
}

/**
 * The ports this stack will listen on: none for servers that are elsewhere.
 * @param {StackSettings} settings
 */
export function usedPorts({ ports, externalKafka, externalClickHouse }) {
  return /** @type {[keyof StackPorts, number][]} */ (Object.entries(ports)).filter(
    ([name]) =>
      !(externalKafka !== null && name.startsWith('kafka')) &&
      !(externalClickHouse !== null && name.startsWith('clickHouse')),
  )
}

const OPS_PORTS = /** @type {const} */ (['relayOps', 'storageOps', 'deletionOps'])

/** @param {keyof StackPorts} name @param {NodeJS.ProcessEnv} env */
export const isMovable = (name, env) => OPS_PORTS.some((ops) => ops === name) && !env[PORT_VARIABLES[name]]

/**
 * Gives ops ports that nobody chose a free port where the default is taken, so that stacks run side by side.
 * @param {StackSettings} settings
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<StackSettings>}
 */
export async function settleOpsPorts(settings, env = process.env) {
  const ports = { ...settings.ports }
  for (const name of OPS_PORTS) {
    const others = Object.entries(ports).filter(([other]) => other !== name)
    const clash = others.some(([, port]) => port === ports[name])
    if (!isMovable(name, env) || (!clash && (await isPortFree(ports[name])))) continue
    ports[name] = (await freePorts(1))[0] ?? ports[name]
  }
  return { ...settings, ports }
}
