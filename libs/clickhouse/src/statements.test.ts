import { expect, test } from 'vitest'
import { isRepeatable, splitStatements } from './statements.ts'

test('statements end at semicolons outside strings, names and comments', () => {
  const sql = `-- a; comment
    CREATE TABLE t (a String DEFAULT ';''\\';') /* ; */;
    SELECT \`a;b\`, "c;d" -- last; one
    ;;`
  expect(splitStatements(sql)).toEqual(["CREATE TABLE t (a String DEFAULT ';''\\';')", 'SELECT `a;b`, "c;d"'])
})

test('a comment between words keeps them apart', () => {
  expect(splitStatements('SELECT/* x */1')).toEqual(['SELECT 1'])
})

test.each([
  'CREATE TABLE IF NOT EXISTS a (x UInt8)',
  'create database if not exists a',
  'CREATE OR REPLACE VIEW a AS SELECT 1',
  'CREATE MATERIALIZED VIEW IF NOT EXISTS a TO b AS SELECT 1',
  'ALTER TABLE a ADD COLUMN IF NOT EXISTS x UInt8',
  'ALTER TABLE a MODIFY SETTING x = 1',
  'DROP TABLE IF EXISTS a',
  'INSERT INTO nostr_store.a (x) SELECT x FROM nostr_store.events',
])('repeatable: %s', (statement) => expect(isRepeatable(statement)).toBe(true))

test.each([
  'CREATE TABLE a (x UInt8)',
  'INSERT INTO a VALUES (1)',
  'INSERT INTO a SELECT 1',
  'ALTER TABLE a ADD COLUMN x UInt8',
  'ALTER TABLE a DELETE WHERE 1',
  'DROP TABLE a',
  'RENAME TABLE a TO b',
])('not repeatable: %s', (statement) => expect(isRepeatable(statement)).toBe(false))
