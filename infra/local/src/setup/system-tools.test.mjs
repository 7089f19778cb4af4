import { expect, test } from 'vitest'
import { installTools, javaMajor, missingTools } from './system-tools.mjs'

const context = { detail: () => {} }
const packages = ['openjdk-17-jre-headless', 'maven']

test('on Debian without root, one line says what to run', async () => {
  const install = installTools(packages, context, { debian: true, root: false })
  await expect(install).rejects.toThrow('sudo apt-get install -y openjdk-17-jre-headless maven')
  await expect(install).rejects.toMatchObject({ name: 'OperatorError' })
})

test('elsewhere, one line says what is missing', async () => {
  const install = installTools(packages, context, { debian: false, root: true })
  await expect(install).rejects.toThrow('a Java runtime, version 17 or newer and Maven (mvn)')
  await expect(installTools(['maven'], context, { debian: false, root: true })).rejects.toThrow(
    /^missing: Maven/,
  )
})

test('nothing missing installs nothing', async () => {
  await installTools([], context, { debian: false, root: false })
})

test('this machine, which runs the tests, lacks nothing', async () => {
  expect(await javaMajor()).toBeGreaterThanOrEqual(17)
  expect(await missingTools({ jars: true })).toEqual([])
})
