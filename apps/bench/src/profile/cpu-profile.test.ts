import { expect, test } from 'vitest'
import { readProfile } from './cpu-profile.ts'

const node = (
  id: number,
  functionName: string,
  children: number[] = [],
  url = 'file:///house/apps/a.ts',
) => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
  children,
})

test('time in a function itself and below it, idling left out, recursion counted once', () => {
  const profile = {
    nodes: [
      node(1, '(root)', [2, 5], ''),
      node(2, 'outer', [3]),
      node(3, 'inner', [4]),
      node(4, 'inner'),
      node(5, '(idle)', [], ''),
    ],
    samples: [2, 3, 4, 5],
    timeDeltas: [1_000_000, 2_000_000, 1_000_000, 6_000_000],
  }
  const { totalS, busyS, self, inclusive } = readProfile(JSON.stringify(profile), '/house')
  expect([totalS, busyS]).toEqual([10, 4])
  expect(self).toEqual([
    { name: 'inner  apps/a.ts:10', share: 0.75 },
    { name: 'outer  apps/a.ts:10', share: 0.25 },
  ])
  expect(inclusive).toEqual([
    { name: 'outer  apps/a.ts:10', share: 1 },
    { name: 'inner  apps/a.ts:10', share: 0.75 },
  ])
})

test('what is no profile is refused', () => {
  expect(() => readProfile('{"nodes":1}', '/house')).toThrow()
})
