import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../paths.mjs'

/** The definer of the views of database `nostr`, as libs/projections/events/tables/ name it. Nobody can sign in as it. */
export const VIEWS_USER = 'millrace_views'

/** What the views read, and nothing that has no policy and holds events. */
export const VIEWS_TABLES = /** @type {const} */ ([
  ...['events', 'event_tags', 'winners', 'winner_repairs', 'versions_shown'],
  ...['tombstone_events', 'tombstone_addresses', 'tombstone_pubkeys', 'expiring_versions'],
  ...['address_floors', 'vanished_keys', 'watermarks'],
])

/** The tables that hold events: their row policies say which rows people see. */
export const POLICY_TABLES = /** @type {const} */ (['events', 'event_tags', 'winners'])

/**
 * What the views run with, whatever the asker asks for: with readonly = 1 ClickHouse drops every setting of the asker at the
 * view's border, in whatever form it came. The policies come after FINAL, so that they never decide which version wins,
 * and no verdict about rows that a policy hides is remembered for other users.
 */
export const VIEWS_SETTINGS = /** @type {const} */ ({
  readonly: 1,
  max_threads: 2,
  apply_row_policy_after_final: 1,
  use_query_condition_cache: 0,
  log_queries: 0,
})

/** The condition of the row policies, one line. It belongs to the projection, whose migrations check that it is in force. */
export const shownRows = () =>
  readFileSync(join(ROOT, 'libs/projections/events/access/shown-rows.sql'), 'utf8')
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .map((line) => line.trim())
    .join(' ')
    .trim()
