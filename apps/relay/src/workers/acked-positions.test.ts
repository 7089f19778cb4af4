import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AckedPositions, createAckedPositions } from './acked-positions.ts'

const shape = { workers: 3, partitionCount: 4 }
let folder: string
let one: AckedPositions
let two: AckedPositions

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-acked-'))
  const options = { ...shape, file: join(folder, 'views', 'edge.acked') }
  createAckedPositions(options)
  one = new AckedPositions(options, 1)
  two = new AckedPositions(options, 2)
})

afterEach(() => {
  one.close()
  two.close()
  rmSync(folder, { recursive: true })
})

const at = (...nexts: number[]): ReadonlyMap<number, number> => new Map(nexts.entries())

test('nothing acknowledged is nothing to wait for', () => {
  expect(one.ahead(new Map())).toBeNull()
})

test('what another worker has acknowledged is waited for, partition by partition', () => {
  two.note(1, 7)
  two.note(3, 2 ** 52)
  expect(one.ahead(at(0, 6, 0, 0))).toEqual(
    new Map([
      [1, 7],
      [3, 2 ** 52],
    ]),
  )
  expect(one.ahead(at(0, 7, 0, 2 ** 52))).toBeNull()
})

test('a worker never waits for itself, and what it noted never goes back', () => {
  one.note(0, 9)
  one.note(0, 4)
  expect(one.ahead(at(0, 0, 0, 0))).toBeNull()
  expect(two.ahead(at(0, 0, 0, 0))).toEqual(new Map([[0, 9]]))
})

test('the furthest of several workers counts', () => {
  const three = new AckedPositions({ ...shape, file: join(folder, 'views', 'edge.acked') }, 3)
  two.note(2, 5)
  three.note(2, 8)
  expect(one.ahead(at())).toEqual(new Map([[2, 8]]))
  expect(two.ahead(at())).toEqual(new Map([[2, 8]]))
  expect(three.ahead(at())).toEqual(new Map([[2, 5]]))
  three.close()
})

test('a file of another shape is refused', () => {
  const options = { workers: 2, partitionCount: 4, file: join(folder, 'views', 'edge.acked') }
  expect(() => new AckedPositions(options, 1)).toThrow('is not of 2 workers and 4 partitions')
})
