import { expect, test } from 'vitest'
import { LastError, readLogLine } from './app-log.mjs'

test('pino lines, server lines and plain lines are told apart', () => {
  expect(readLogLine('{"level":"fatal","msg":"the log is foreign"}')).toEqual({
    message: 'the log is foreign',
    isError: true,
    isFatal: true,
  })
  expect(readLogLine('{"level":"info","msg":"started"}')).toMatchObject({ isError: false, isFatal: false })
  expect(readLogLine('2026-01-01T00:00:00Z ERROR no space left (kafka.log)')).toMatchObject({ isError: true })
  expect(readLogLine('{"level":"fat')).toMatchObject({ message: '{"level":"fat', isError: false })
})

test('the last error explains an end; without one the last plain line does', () => {
  const last = new LastError()
  expect(last.read('relay: RELAY_PORT: must be a whole number')).toBeNull()
  expect(last.message).toBe('relay: RELAY_PORT: must be a whole number')
  expect(last.read('{"level":"fatal","msg":"watermark past the end"}')).toBe('watermark past the end')
  last.read('{"level":"info","msg":"stopped"}')
  expect(last.message).toBe('watermark past the end')
  last.clear()
  expect(last.message).toBeNull()
})
