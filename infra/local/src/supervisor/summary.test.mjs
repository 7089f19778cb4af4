import { expect, test } from 'vitest'
import { dataDirectory } from '../paths.mjs'
import { readSettings } from '../settings.mjs'
import { summary } from './summary.mjs'

const printed = (/** @type {NodeJS.ProcessEnv} */ env) =>
  summary(/** @type {any} */ ({ settings: readSettings(env), parts: [] }), env)

test('a stack in the default folder needs no word about ctl', () => {
  expect(printed({})).not.toContain('MILLRACE_DATA')
  expect(printed({})).toContain(dataDirectory({}))
})

test('one in another folder says how ctl finds it', () => {
  expect(printed({ MILLRACE_DATA: '/srv/other stack' })).toContain(
    "MILLRACE_DATA='/srv/other stack' npx ctl status",
  )
})
