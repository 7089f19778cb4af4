import { relayUrls } from '@millrace/config'
import { expect, test } from 'vitest'
import { checkRelayUrls } from './relay-urls.ts'

const edge = (host: string, url: string | null = null, urlAliases: string[] = []) => ({
  host,
  url,
  urlAliases,
})

test('a given URL and its aliases are all there is', () => {
  expect(relayUrls(edge('0.0.0.0', 'wss://relay.example', ['wss://alias.example']), 7777)).toEqual([
    'wss://relay.example',
    'wss://alias.example',
  ])
})

test.each(['127.0.0.1', 'localhost', '0.0.0.0', '::1', '::'])('%s goes by every name of loopback', (host) => {
  expect(relayUrls(edge(host), 7777)).toEqual([
    'ws://127.0.0.1:7777',
    'ws://localhost:7777',
    'ws://[::1]:7777',
  ])
})

test('another interface goes by its address', () => {
  expect(relayUrls(edge('10.1.2.3'), 7777)).toEqual(['ws://10.1.2.3:7777'])
})

test('a URL that AUTH could not name is a configuration fault', () => {
  expect(checkRelayUrls(['wss://relay.example'])).toMatchObject({ ok: true })
  for (const url of ['https://relay.example', 'relay', 'ws://user:pass@relay.example'])
    expect(checkRelayUrls([url])).toMatchObject({ fault: { code: 'configuration-invalid', kind: 'fatal' } })
})
