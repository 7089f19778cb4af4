// After `npx ctl import FILE` into a running, otherwise empty stack: derives from the file alone what must be where, with
// rules written here and nothing imported from this repository, and compares id sets.
//   node apps/e2e/acceptance/import-check.mjs FILE(.jsonl|.jsonl.gz)
// Addresses: KAFKA_PORT, CLICKHOUSE_HTTP_PORT, RELAY_PORT; passwords: MILLRACE_DATA (defaults as npm start). Exit code 0 when all
// sets are equal.
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

const require = createRequire(new URL('../../../package.json', import.meta.url))
process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
const { Kafka, logLevel } = require('kafkajs')
const { schnorr } = require('@noble/curves/secp256k1.js')
const WebSocket = require('ws')

const file = process.argv[2]
if (!file) {
  console.error('usage: node apps/e2e/acceptance/import-check.mjs FILE')
  process.exit(2)
}
const port = (name, fallback) => process.env[name] || fallback
const kafkaAddress = `127.0.0.1:${port('KAFKA_PORT', 9092)}`
const clickhouse = `http://127.0.0.1:${port('CLICKHOUSE_HTTP_PORT', 8123)}`
const root = fileURLToPath(new URL('../../..', import.meta.url))
const users = JSON.parse(
  readFileSync(resolve(root, process.env.MILLRACE_DATA || '.millrace', 'clickhouse-users.json'), 'utf8'),
)
const relay = `ws://127.0.0.1:${port('RELAY_PORT', 7777)}`
const HEX64 = /^[0-9a-f]{64}$/
const PRIVATE_KINDS = new Set([4, 13, 14, 15, 1059, 21059])
const now = Math.floor(Date.now() / 1000)

const sha256 = (text) => createHash('sha256').update(text, 'utf8').digest('hex')
const tag = (event, name) => event.tags.find((t) => t[0] === name)?.[1]
const isEphemeral = (kind) => kind >= 20000 && kind < 30000
const isReplaceable = (kind) => kind === 0 || kind === 3 || (kind >= 10000 && kind < 20000)
const isAddressable = (kind) => kind >= 30000 && kind < 40000

function refusal(event) {
  const { id, pubkey, created_at, kind, tags, content, sig } = event
  if (!HEX64.test(id) || !HEX64.test(pubkey) || !/^[0-9a-f]{128}$/.test(sig)) return 'hex'
  if (!Number.isSafeInteger(created_at) || created_at < 0 || created_at > now + 900) return 'created_at'
  if (!Number.isInteger(kind) || kind < 0 || kind > 65535 || typeof content !== 'string') return 'shape'
  if (!Array.isArray(tags) || !tags.every((t) => Array.isArray(t) && t.every((v) => typeof v === 'string')))
    return 'tags'
  if (sha256(JSON.stringify([0, pubkey, created_at, kind, tags, content])) !== id) return 'id'
  if (isEphemeral(kind) || kind === 22242 || kind === 27235) return 'kind'
  const expiration = tag(event, 'expiration')
  if (expiration !== undefined && /^\d+$/.test(expiration) && Number(expiration) <= now) return 'expired'
  if (tags.some((t) => t[0] === '-' && t.length === 1)) return 'protected'
  if (kind === 1059 && !tags.some((t) => t[0] === 'p' && HEX64.test(t[1] ?? ''))) return 'wrap without p'
  const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'))
  return schnorr.verify(bytes(sig), bytes(id), bytes(pubkey)) ? null : 'signature'
}

function expectationsFrom(lines) {
  const admitted = new Map()
  const refused = {}
  for (const line of lines) {
    let event
    try {
      event = JSON.parse(line)
    } catch {
      event = null
    }
    const why = event === null || typeof event !== 'object' ? 'json' : refusal(event)
    if (why === null) admitted.set(event.id, event)
    else refused[why] = (refused[why] ?? 0) + 1
  }
  const winners = new Map()
  for (const event of admitted.values()) {
    const address = isReplaceable(event.kind)
      ? `${event.kind}:${event.pubkey}`
      : isAddressable(event.kind)
        ? `${event.kind}:${event.pubkey}:${tag(event, 'd') ?? ''}`
        : event.id
    const best = winners.get(address)
    const wins =
      !best ||
      event.created_at > best.created_at ||
      (event.created_at === best.created_at && event.id < best.id)
    if (wins) winners.set(address, event)
  }
  return { admitted: [...admitted.values()], winners: [...winners.values()], refused }
}

async function idsInLog() {
  const kafka = new Kafka({ brokers: [kafkaAddress], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const topic = 'nostr.events.v1'
  const open = new Map(
    (await admin.fetchTopicOffsets(topic))
      .filter((p) => Number(p.high) > 0)
      .map((p) => [p.partition, Number(p.high)]),
  )
  await admin.disconnect()
  const ids = new Map()
  const groupId = `acceptance.${randomUUID()}`
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the log was not read to its end within 60 s')), 60_000)
    consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const key = message.key.toString()
        if (message.value === null) ids.delete(key)
        else if (HEX64.test(key)) ids.set(key, true)
        if (Number(message.offset) + 1 >= open.get(partition)) open.delete(partition)
        if (open.size === 0) {
          clearTimeout(timer)
          resolve()
        }
      },
    })
  })
  await consumer.disconnect()
  return [...ids.keys()]
}

async function idsFromSql(sql) {
  const headers = {
    'x-clickhouse-user': users.CLICKHOUSE_MAINTENANCE_USER,
    'x-clickhouse-key': users.CLICKHOUSE_MAINTENANCE_PASSWORD,
  }
  const response = await fetch(clickhouse, { method: 'POST', headers, body: `${sql} FORMAT TSV` })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text.split('\n').filter((line) => line !== '')
}

function reqPage(socket, filter) {
  const sub = randomUUID().slice(0, 8)
  const events = []
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('REQ without EOSE for 30 s')), 30_000)
    const onMessage = (data) => {
      const [verb, of, rest] = JSON.parse(data)
      if (of !== sub) return
      if (verb === 'EVENT') return void events.push(rest)
      clearTimeout(timer)
      socket.off('message', onMessage)
      socket.send(JSON.stringify(['CLOSE', sub]))
      if (verb === 'EOSE') resolve(events)
      else reject(new Error(`REQ closed: ${rest}`))
    }
    socket.on('message', onMessage)
    socket.send(JSON.stringify(['REQ', sub, filter]))
  })
}

/** Everything an anonymous client can page through, newest first. */
async function idsServed() {
  const socket = new WebSocket(relay)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const ids = new Set()
  let until
  for (;;) {
    const page = await reqPage(socket, { limit: 500, ...(until === undefined ? {} : { until }) })
    const before = ids.size
    for (const event of page) ids.add(event.id)
    if (page.length === 0 || ids.size === before) break
    until = page.at(-1).created_at
  }
  socket.close()
  return [...ids]
}

let failed = false
function compare(what, expected, actual) {
  const want = new Set(expected)
  const have = new Set(actual)
  const missing = [...want].filter((id) => !have.has(id))
  const extra = [...have].filter((id) => !want.has(id))
  const equal = missing.length === 0 && extra.length === 0 && actual.length === have.size
  if (!equal) failed = true
  console.log(
    `${equal ? 'equal ' : 'DIFFER'}  ${what}: expected ${want.size}, found ${actual.length} (missing ${missing.length}, extra ${extra.length})`,
  )
  for (const id of [...missing.slice(0, 3), ...extra.slice(0, 3)]) console.log(`        e.g. ${id}`)
}

const bytes = readFileSync(file)
const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
const { admitted, winners, refused } = expectationsFrom(text.split('\n').filter((line) => line.trim() !== ''))
console.log(
  `from the file: ${admitted.length} admitted, ${winners.length} current, refused ${JSON.stringify(refused)}`,
)
const ids = (events) => events.map((event) => event.id)
const open = (events) => events.filter((event) => !PRIVATE_KINDS.has(event.kind))
compare('log', ids(admitted), await idsInLog())
compare(
  'nostr_store.events',
  ids(admitted),
  await idsFromSql('SELECT lower(hex(id)) FROM nostr_store.events FINAL'),
)
compare(
  'nostr.events (private kinds hidden)',
  ids(open(admitted)),
  await idsFromSql('SELECT id FROM nostr.events'),
)
compare(
  'nostr.events_current (private kinds hidden)',
  ids(open(winners)),
  await idsFromSql('SELECT id FROM nostr.events_current'),
)
compare('REQ, anonymous', ids(open(winners)), await idsServed())
process.exit(failed ? 1 : 0)
