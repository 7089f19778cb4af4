import type { ServedEvent } from '@millrace/read-models'
import { describe, expect, test } from 'vitest'
import { textFrame } from './frame-head.ts'
import { FramePool } from './frame-pool.ts'
import { FrameWriter } from './frame-writer.ts'

const PREFIX = Buffer.from('["EVENT","é",')

const served = (json: string): ServedEvent => ({
  id: '',
  pubkey: '',
  kind: 1,
  createdAt: 0,
  json,
  partition: 0,
  offset: 0,
})

/** The same, with its UTF-8 at hand. */
function encoded(json: string): ServedEvent {
  const bytes = Buffer.from(json)
  return { ...served(json), jsonBytes: bytes.length, copyJson: (into, at) => void bytes.copy(into, at) }
}

/** What a client reads: the payloads of unmasked text frames (RFC 6455, section 5.2). */
function payloadsOf(bytes: Buffer): string[] {
  const payloads: string[] = []
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0x81)
    let length = bytes.readUInt8(at + 1)
    at += 2
    if (length === 126) {
      length = bytes.readUInt16BE(at)
      expect(length).toBeGreaterThan(125)
      at += 2
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at))
      expect(length).toBeGreaterThan(0xffff)
      at += 8
    }
    payloads.push(bytes.toString('utf8', at, at + length))
    at += length
  }
  return payloads
}

describe('frames', () => {
  const overhead = PREFIX.length + 1
  const sizes = [0, 1, 125 - overhead, 126 - overhead, 0xffff - overhead, 0x1_0000 - overhead, 700_000]

  test.each([
    ['text', served],
    ['UTF-8', encoded],
  ])('of every length, from %s, as a client reads them', (_, eventOf) => {
    const writer = new FrameWriter()
    const bodies = sizes.map((size) => (size > 1 ? `é${'x'.repeat(size - 2)}` : 'x'.repeat(size)))
    for (const body of bodies) writer.event(PREFIX, eventOf(body))
    writer.message('["EOSE","é"]')
    const { bytes } = writer.take()
    expect(payloadsOf(bytes)).toEqual([...bodies.map((body) => `["EVENT","é",${body}]`), '["EOSE","é"]'])
  })

  test('of one message for many', () => {
    for (const size of [0, 1, 125, 126, 0xffff, 0x1_0000]) {
      const text = size > 1 ? `é${'x'.repeat(size - 2)}` : 'x'.repeat(size)
      expect(payloadsOf(textFrame(text))).toEqual([text])
    }
  })

  test('what was given up is not sent', () => {
    const writer = new FrameWriter()
    writer.event(PREFIX, served('given up'))
    writer.reset()
    writer.message('sent')
    expect(payloadsOf(writer.take().bytes)).toEqual(['sent'])
    expect(writer.length).toBe(0)
  })

  test('that wait are not overwritten by those that come after them', () => {
    const writer = new FrameWriter()
    const waiting = Array.from({ length: 200 }, (_, index) => {
      const body = `${index} ${'y'.repeat((index * 977) % 30_000)}`
      writer.message(body)
      const frames = writer.take()
      // Every third one leaves at once, and its memory is used again.
      if (index % 3 === 0) frames.release()
      return { body, bytes: index % 3 === 0 ? null : frames.bytes }
    })
    for (const { body, bytes } of waiting) if (bytes !== null) expect(payloadsOf(bytes)).toEqual([body])
  })
})

describe('the pool', () => {
  test('uses memory again once it is released, and not before', () => {
    const pool = new FramePool()
    const first = pool.copy(Buffer.alloc(10_000, 1), 10_000)
    const second = pool.copy(Buffer.alloc(10_000, 2), 10_000)
    expect(second.bytes.buffer).not.toBe(first.bytes.buffer)
    first.release()
    const third = pool.copy(Buffer.alloc(16_000, 3), 16_000)
    expect(third.bytes.buffer).toBe(first.bytes.buffer)
    expect(second.bytes).toEqual(Buffer.alloc(10_000, 2))
  })

  test('keeps a bounded amount of free memory', () => {
    const pool = new FramePool()
    const source = Buffer.alloc(1_000_000)
    const frames = Array.from({ length: 20 }, () => pool.copy(source, source.length))
    for (const { release } of frames) release()
    expect(pool.freeBytes).toBe(4 * 1024 * 1024)
  })

  test('a few large answers do not keep small ones from their memory', () => {
    const pool = new FramePool()
    const source = Buffer.alloc(1_500_000)
    const large = [pool.copy(source, source.length), pool.copy(source, source.length)]
    for (const { release } of large) release()
    const memory = new Set<ArrayBufferLike>()
    for (let answer = 0; answer < 50; answer++) {
      const { bytes, release } = pool.copy(source, 300_000)
      memory.add(bytes.buffer)
      release()
    }
    expect(memory.size).toBe(1)
    expect(pool.freeBytes).toBeLessThanOrEqual(4 * 1024 * 1024)
  })
})
