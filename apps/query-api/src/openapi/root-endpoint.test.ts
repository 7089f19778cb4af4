import { expect, test } from 'vitest'
import { serve } from '../testing/serving.ts'
import { withOpenApi } from './openapi-endpoint.ts'

test('the bare address points to the description and names every route, its own too', async () => {
  await using api = await serve(withOpenApi([]))
  const response = await fetch(api.url)
  expect(response.headers.get('content-type')).toContain('application/json')
  expect(await response.json()).toEqual({
    service: 'Millrace query API',
    openapi: '/openapi.json',
    routes: [
      { method: 'GET', path: '/', summary: 'Where everything is' },
      { method: 'GET', path: '/openapi.json', summary: 'This document' },
    ],
  })
})
