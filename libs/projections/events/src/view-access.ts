import { readFileSync } from 'node:fs'
import type { ClickHouse } from '@millrace/clickhouse'
import { err, fatal, ok, type Result } from '@millrace/kernel'

/** The definer of the views of database `nostr` and the tables whose row policies say what people see. */
const VIEWS_USER = 'millrace_views'
const POLICY_TABLES = ['events', 'event_tags', 'winners'] as const

/** The condition of those policies. */
export const shownRows = (): string =>
  readFileSync(new URL('../access/shown-rows.sql', import.meta.url), 'utf8').replaceAll(/^--.*$/gm, '')

const FORMATTED = (condition: string): string => `formatQuerySingleLine(concat('SELECT ', ${condition}))`

/** Of every table: how many policies let the definer read, and how many of those let it read exactly what is shown. */
const POLICIES = `SELECT table, count() AS policies, countIf(${FORMATTED('select_filter')} = ${FORMATTED('{shown:String}')}) AS right
  FROM system.row_policies
  WHERE database = 'nostr_store' AND NOT is_restrictive
    AND (has(apply_to_list, {user:String}) OR (apply_to_all AND NOT has(apply_to_except, {user:String})))
  GROUP BY table`

/** Whether the definer takes no settings from the asker. */
const READONLY = `SELECT count() AS readonly FROM system.settings_profile_elements
  WHERE setting_name = 'readonly' AND value = '1' AND (user_name = {user:String} OR profile_name IN (
    SELECT inherit_profile FROM system.settings_profile_elements WHERE user_name = {user:String}))`

/**
 * Checks that the server protects the views as this version expects: they show what the policies of their definer let through, and
 * those belong to the server's configuration, not to the tables. To be asked before the views are made. Faults:
 * configuration-invalid (fatal), clickhouse-unavailable, clickhouse-refused.
 */
export async function checkViewAccess(
  ch: ClickHouse,
  { user = VIEWS_USER, shown = shownRows() }: { user?: string; shown?: string } = {},
): Promise<Result<void>> {
  const policies = await ch.query<{ table: string; policies: number; right: number }>(POLICIES, {
    params: { user, shown },
    name: 'view_access',
  })
  if (!policies.ok) return policies
  const unprotected = POLICY_TABLES.filter((name) => {
    const found = policies.value.find(({ table }) => table === name)
    return found === undefined || found.policies !== found.right
  })
  if (unprotected.length > 0)
    return refusal(
      user,
      `has not the row policies of this version on ${unprotected.map((name) => `nostr_store.${name}`).join(', ')}`,
    )
  const settings = await ch.query<{ readonly: number }>(READONLY, { params: { user }, name: 'view_access' })
  if (!settings.ok) return settings
  return settings.value[0]?.readonly === 0 ? refusal(user, 'has no profile with readonly = 1') : ok(undefined)
}

const refusal = (user: string, what: string): Result<never> =>
  err(
    fatal(
      'configuration-invalid',
      `ClickHouse: its user ${user}, whose rights the views of database nostr run with, ${what}: ` +
        'bring infra/clickhouse/users.xml (or access.sql) of this version to the server and try again',
    ),
  )
