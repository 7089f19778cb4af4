import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { describedEndpoints } from './described-endpoints.ts'
import { openApiDocument } from './openapi-document.ts'

const FILE = fileURLToPath(new URL('../../../../docs/openapi.json', import.meta.url))

interface Operation {
  readonly tags: readonly string[]
  readonly summary: string
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly responses: Readonly<Record<string, unknown>>
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

const endpoints = describedEndpoints()
const text = openApiDocument(endpoints)
const document = JSON.parse(text) as Document

test('docs/openapi.json is what the code says (npm run docs writes it)', () => {
  expect(readFileSync(FILE, 'utf8')).toBe(text)
})

test('every endpoint is described, with the parameters of its path', () => {
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { responses, parameters = [] }]) => {
      expect(responses['200']).toBeDefined()
      const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`)
      expect(path.match(/\{\w+\}/g) ?? []).toEqual(inPath)
      return `${method} ${path}`
    }),
  )
  const served = endpoints.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  expect(described.sort()).toEqual(served.sort())
})

test('every reference leads somewhere', () => {
  const names = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) expect(Object.keys(document.components.schemas)).toContain(name)
})

test('the parameters of a search are those of a NIP-01 filter', () => {
  const names = document.paths['/api/events']?.['get']?.parameters?.map(({ name }) => name)
  expect(names?.sort()).toEqual(
    ['ids', 'authors', 'kinds', 'since', 'until', 'limit', 'cursor', 'tags'].sort(),
  )
})
