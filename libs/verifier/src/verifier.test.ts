import { FaultError } from '@millrace/kernel'
import { type SignedEvent, sign, testKey, unsigned } from '@millrace/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { createVerifier, type Verifier, type VerifierOptions } from './index.ts'

const alice = testKey('alice')
const bob = testKey('bob')

const note = (content: string, key = alice): SignedEvent =>
  sign({ kind: 1, content, created_at: 1_700_000_000 }, key)

const flipped = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1)

const open: Verifier[] = []

async function start(options: VerifierOptions): Promise<Verifier> {
  const verifier = await createVerifier({ workers: 1, ...options })
  open.push(verifier)
  return verifier
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((verifier) => verifier.close()))
})

describe.each(['auto', 'nostr-wasm'] as const)('verifier on %s', (implementation) => {
  test('accepts what its author signed and nothing else', async () => {
    const verifier = await start({ implementation })
    const event = note('signed')
    const cases: [string, SignedEvent, boolean][] = [
      ['as signed', event, true],
      ['other content', { ...event, content: 'forged' }, false],
      ['other id', { ...event, id: flipped(event.id) }, false],
      ['other signature', { ...event, sig: flipped(event.sig) }, false],
      ['signature of another event', { ...event, sig: note('other').sig }, false],
      ['right id, another author', { ...unsigned(event, bob.pubkey), sig: event.sig }, false],
      ['right id, no signature', unsigned(event, alice.pubkey), false],
      ['pubkey not on the curve', unsigned(event, '0'.repeat(64)), false],
    ]
    const verdicts = await Promise.all(
      cases.map(async ([name, given]) => [name, await verifier.verify(given)]),
    )
    expect(verdicts).toEqual(cases.map(([name, , valid]) => [name, valid]))
  })

  test('refuses uppercase hex, whose bytes are the same', async () => {
    const verifier = await start({ implementation })
    const event = note('lower')
    expect(await verifier.verify({ ...event, sig: event.sig.toUpperCase() })).toBe(false)
    const shouted = unsigned(event, alice.pubkey.toUpperCase())
    expect(await verifier.verify({ ...shouted, sig: event.sig })).toBe(false)
  })

  test('answers every event of a flood with its own verdict, whatever the batches', async () => {
    const verifier = await start({ implementation, workers: 2 })
    const events = Array.from({ length: 300 }, (_, index) => {
      const event = note(`flood ${index}`, index % 2 === 0 ? alice : bob)
      return index % 3 === 0 ? { ...event, sig: flipped(event.sig) } : event
    })
    const verdicts = await Promise.all(events.map((event) => verifier.verify(event)))
    expect(verdicts).toEqual(events.map((_, index) => index % 3 !== 0))
    expect(verifier.pending).toBe(0)
  })
})

test('refuses more than pendingMax with queue-full and takes events again afterwards', async () => {
  const verifier = await start({ pendingMax: 3 })
  const event = note('busy')
  const answers = await Promise.allSettled(Array.from({ length: 5 }, () => verifier.verify(event)))
  expect(
    answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : faultCode(answer.reason))),
  ).toEqual([true, true, true, 'queue-full', 'queue-full'])
  expect(await verifier.verify(event)).toBe(true)
})

test('rejects what waits when it is closed, and everything later', async () => {
  const verifier = await start({})
  const event = note('late')
  const waiting = Promise.allSettled(Array.from({ length: 4 }, () => verifier.verify(event)))
  await verifier.close()
  const codes = (await waiting).map((answer) =>
    answer.status === 'rejected' ? faultCode(answer.reason) : 'answered',
  )
  expect(codes).toEqual(Array(4).fill('shutting-down'))
  await expect(verifier.verify(event)).rejects.toThrow('shutting-down')
})

const faultCode = (reason: unknown): string =>
  reason instanceof FaultError ? reason.fault.code : `not a fault: ${String(reason)}`
