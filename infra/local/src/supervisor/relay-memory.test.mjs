import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../paths.mjs'
import { relayMalloc, relayNodeFlags } from './relay-memory.mjs'

test.each([
  ['by default', {}, ['--max-semi-space-size=4', '--max-old-space-size=1024']],
  [
    'with a larger overlay',
    { OVERLAY_BYTES_MAX: '1073741824' },
    ['--max-semi-space-size=4', '--max-old-space-size=1536'],
  ],
  [
    'with an overlay that is refused',
    { OVERLAY_BYTES_MAX: 'much' },
    ['--max-semi-space-size=4', '--max-old-space-size=1024'],
  ],
  ['beside bounds of the person', { NODE_OPTIONS: '--max-old-space-size=4096' }, ['--max-semi-space-size=4']],
])('the heap of an edge %s', (_, env, flags) => {
  expect(relayNodeFlags(env)).toEqual(flags)
})

test('malloc is bounded, unless the person says otherwise', () => {
  expect(relayMalloc({ MALLOC_ARENA_MAX: '4' })).toMatchObject({
    MALLOC_ARENA_MAX: '4',
    MALLOC_MMAP_THRESHOLD_: '262144',
  })
})

test('compose has the same bounds', () => {
  const compose = readFileSync(join(ROOT, 'infra/compose.yaml'), 'utf8')
  expect(compose.split(`[${relayNodeFlags({}).join(', ')}, apps/relay/src/main.ts]`)).toHaveLength(3)
  for (const [name, value] of Object.entries(relayMalloc({}))) expect(compose).toContain(`${name}: ${value}`)
})
