import type { ClickHouseConfig } from '@millrace/config'
import { testClickHouseUrl } from '@millrace/testkit'
import type { ClickHouseOptions } from './client.ts'
import { type ClickHouse, createClickHouse } from './index.ts'

/** Every role as the maintenance user of the test server, or of the server at `url`. */
export function testConfig(url = testClickHouseUrl()): ClickHouseConfig {
  const user = { username: 'default', password: '' }
  return { url, caFile: null, users: { insert: user, req: user, api: user, maintenance: user } }
}

export const connect = (options: ClickHouseOptions = {}, url?: string): ClickHouse =>
  createClickHouse(testConfig(url), 'maintenance', options)
