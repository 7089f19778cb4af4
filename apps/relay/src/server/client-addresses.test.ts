import type { IncomingMessage } from 'node:http'
import { unwrap } from '@millrace/kernel'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressKey, ConnectionCount, clientAddresses } from './client-addresses.ts'

const request = (peer: string, forwardedFor?: string) =>
  ({
    socket: { remoteAddress: peer },
    headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
  }) as unknown as IncomingMessage

test.each([
  ['nobody is trusted', [], '10.0.0.1', '1.2.3.4', '10.0.0.1'],
  ['the proxy is trusted', ['10.0.0.0/8'], '10.0.0.1', '1.2.3.4', '1.2.3.4'],
  ['a client forges a hop', ['10.0.0.0/8'], '10.0.0.1', '9.9.9.9, 1.2.3.4', '1.2.3.4'],
  ['a stranger claims to forward', ['10.0.0.0/8'], '5.5.5.5', '1.2.3.4', '5.5.5.5'],
])('when %s', (_, trusted, peer, forwardedFor, expected) => {
  expect(unwrap(clientAddresses(trusted))(request(peer, forwardedFor))).toBe(expected)
})

test('what is no address is a configuration fault', () => {
  expect(clientAddresses(['proxy.example'])).toMatchObject({ fault: { code: 'configuration-invalid' } })
})

test.each([
  ['an address that may not forward', ['10.0.0.0/8'], '5.5.5.5', '1.2.3.4', ['5.5.5.5']],
  ['a trusted proxy', ['10.0.0.0/8'], '10.0.0.1', '1.2.3.4', []],
  ['a client without proxy', [], '5.5.5.5', undefined, []],
])('%s: whose forwarding is ignored is told', (_, trusted, peer, forwardedFor, expected) => {
  const ignored: string[] = []
  unwrap(clientAddresses(trusted, (address) => void ignored.push(address)))(request(peer, forwardedFor))
  expect(ignored).toEqual(expected)
})

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['::ffff:1.2.3.4', '1.2.3.4'],
  ['2001:DB8:0:7:1:2:3:4', '2001:db8:0:7::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['unknown', 'unknown'],
  ['x'.repeat(10_000), 'unknown'],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key)
})

test('counts never pass their bounds and come back to zero', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean())), (steps) => {
      const count = new ConnectionCount({ connectionsMax: 5, connectionsPerAddressMax: 3 })
      const open: string[] = []
      for (const [address, isClosed] of steps) {
        const at = isClosed ? open.indexOf(address) : -1
        if (at >= 0) {
          open.splice(at, 1)
          count.remove(address)
          continue
        }
        const outcome = count.tryAdd(address)
        const ofAddress = open.filter((other) => other === address).length
        expect(outcome).toBe(open.length >= 5 ? 'all' : ofAddress >= 3 ? 'address' : 'added')
        if (outcome === 'added') open.push(address)
      }
      expect(count.total).toBe(open.length)
    }),
  )
})
