import { dataDirectory } from '../paths.mjs'

/**
 * The short table after a start, with three things to try.
 * @param {import('./stack.mjs').Stack} stack
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
export function summary(stack, env) {
  const { settings, parts } = stack
  const address = (/** @type {string} */ name) =>
    parts.find((part) => part.name === name)?.definition.address ?? ''
  const clickHouse = settings.externalClickHouse ?? address('clickhouse')
  const ops = parts.map((part) => [part.name, part.definition.opsUrl]).filter(([, url]) => url !== null)
  const rows = [
    ...parts
      .filter(({ name }) => name.startsWith('edge-'))
      .map(({ name }) => [`relay (${name})`, address(name)]),
    ['query API', address('query-api')],
    [
      'ClickHouse',
      settings.externalClickHouse ?? `${clickHouse}   native 127.0.0.1:${settings.ports.clickHouseTcp}`,
    ],
    ['Kafka', settings.externalKafka ?? address('kafka')],
    ['metrics', ops.map(([name, url]) => `${name} ${String(url).replace('http://', '')}`).join('  ')],
    ['data, logs', `${settings.dataDir}, ${settings.dataDir}/logs`],
  ]
  const width = Math.max(...rows.map(([label = '']) => label.length))
  const table = rows.map(([label = '', value]) => `  ${label.padEnd(width)}  ${value}`)
  return [
    '',
    'Millrace is running.',
    '',
    ...table,
    '',
    'Try',
    ...tries(address, clickHouse, env),
    ...elsewhere(settings.dataDir),
    '',
    'Ctrl-C stops everything.',
  ].join('\n')
}

/** @param {(name: string) => string} address @param {string} clickHouse @param {NodeJS.ProcessEnv} env */
function tries(address, clickHouse, env) {
  const user = env['CLICKHOUSE_ANALYST_USER'] || 'analyst'
  const password = env['CLICKHOUSE_ANALYST_PASSWORD'] ? ':$CLICKHOUSE_ANALYST_PASSWORD' : ':'
  return [
    '  a client    npx node -e \'w=new WebSocket("' +
      address('edge-1') +
      '");w.onopen=()=>w.send(`["REQ","a",{"limit":5}]`);w.onmessage=m=>console.log(m.data)\'',
    `  SQL         curl -u "${user}${password}" ${clickHouse} -d 'SELECT kind, count() FROM nostr.events GROUP BY kind'`,
    `  the API     curl '${address('query-api')}/api/events?limit=5'`,
  ]
}

/** How ctl finds a stack that does not lie where it looks by itself. @param {string} dataDir */
const elsewhere = (dataDir) =>
  dataDir === dataDirectory({}) ? [] : [`  ctl         MILLRACE_DATA='${dataDir}' npx ctl status`]
