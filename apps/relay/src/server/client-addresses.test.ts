import type { IncomingMessage } from 'node:http'
import { unwrap } from '@millrace/kernel'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConnectionCount, clientAddresses } from './client-addresses.ts'

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
