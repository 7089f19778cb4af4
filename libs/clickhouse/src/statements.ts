/** One token that may hide a semicolon: a string, a quoted name, a comment; otherwise one character. */
const TOKEN = /'(?:\\.|''|[^'\\])*'|`(?:\\.|[^`\\])*`|"(?:\\.|[^"\\])*"|--[^\n]*|\/\*[\s\S]*?\*\/|[\s\S]/g

/** The statements of a SQL file, comments removed, without their semicolons. */
export function splitStatements(sql: string): string[] {
  const statements: string[] = []
  let current = ''
  for (const [token] of sql.matchAll(TOKEN)) {
    if (token === ';') {
      statements.push(current)
      current = ''
    } else if (!token.startsWith('--') && !token.startsWith('/*')) current += token
    else current += ' '
  }
  statements.push(current)
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '')
}

const REPEATABLE = [
  /^create\s+(?:database|table|materialized\s+view|dictionary|function)\s+if\s+not\s+exists\s/i,
  /^create\s+or\s+replace\s+(?:view|dictionary|function|table)\s/i,
  /^drop\s+(?:table|view|dictionary|database|function)\s+if\s+exists\s/i,
  /^alter\s+table\s+\S+\s+(?:add|drop)\s+(?:column|index|constraint|projection)\s+if\s+(?:not\s+)?exists\s/i,
  /^alter\s+table\s+\S+\s+(?:modify\s+(?:setting|column|comment|query|ttl)|comment\s+column|materialize\s+index)\s/i,
  /^alter\s+table\s+\S+\s+modify\s+sql\s+security\s/i,
  // A backfill from another table of the store: for engines that collapse equal rows, as every table of events is one.
  /^insert\s+into\s+nostr_store\.\w+\s+\([^)]*\)\s+select\s[^;]*\sfrom\s+nostr_store\./i,
]

/**
 * Whether running the statement again changes nothing: what makes a migration safe after a crash in its middle and when
 * two processes migrate at once.
 */
export const isRepeatable = (statement: string): boolean => REPEATABLE.some((form) => form.test(statement))
