import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Inbox } from './inbox.ts'

test('frames are handled in order, one held frame holds back the rest and the socket', async () => {
  const frame = fc.record({ text: fc.string({ maxLength: 3 }), isHeld: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 40 }), async (frames) => {
      const handled: string[] = []
      const flow: string[] = []
      let releases: (() => void)[] = []
      let next = 0
      const handle = (text: string) => {
        expect(releases).toEqual([])
        handled.push(text)
        if (frames[next++]?.isHeld !== true) return undefined
        return new Promise<void>((resolve) => releases.push(resolve))
      }
      const inbox = new Inbox(handle, { pause: () => flow.push('pause'), resume: () => flow.push('resume') })
      for (const { text } of frames) inbox.push(text)
      while (releases.length > 0) {
        const release = releases[0]
        releases = []
        release?.()
        await new Promise(setImmediate)
      }
      expect(handled).toEqual(frames.map(({ text }) => text))
      expect(flow.at(-1) ?? 'resume').toBe('resume')
    }),
  )
})

test('after close nothing is handled', async () => {
  const handled: string[] = []
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const inbox = new Inbox(
    (text) => {
      handled.push(text)
      return held
    },
    { pause: () => {}, resume: () => {} },
  )
  for (const text of ['a', 'b']) inbox.push(text)
  inbox.close()
  release()
  await held
  inbox.push('c')
  expect(handled).toEqual(['a'])
})
