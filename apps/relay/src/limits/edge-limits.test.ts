import { parseConfig } from '@millrace/config'
import { unwrap } from '@millrace/kernel'
import { createMetrics } from '@millrace/observability'
import { expect, test } from 'vitest'
import { SECTIONS } from '../config.ts'
import { edgeLimits } from './edge-limits.ts'

const { limits: limitsSection } = SECTIONS

const withSettings = (env: Record<string, string>) => {
  const warnings: unknown[] = []
  const { limits } = unwrap(parseConfig({ limits: limitsSection }, env))
  const made = edgeLimits(limits, {
    log: { warn: (fields: unknown) => void warnings.push(fields) } as never,
    metrics: createMetrics('relay'),
    nowMs: () => 0,
  })
  return { made, warnings }
}

test('the machine itself is exempt by default', () => {
  const { limiter } = unwrap(withSettings({}).made)
  expect(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'].every(limiter.isExempt)).toBe(true)
  expect(['10.0.0.1', '2001:db8::1', 'unknown', ''].some(limiter.isExempt)).toBe(false)
})

test('networks may be exempt, or nobody', () => {
  const networks = unwrap(withSettings({ RATE_LIMIT_EXEMPT: '10.0.0.0/8, 2001:db8::/32' }).made).limiter
  expect(['10.1.2.3', '2001:db8:5::1'].every(networks.isExempt)).toBe(true)
  expect(networks.isExempt('127.0.0.1')).toBe(false)
  const none = unwrap(withSettings({ RATE_LIMIT_EXEMPT: 'none' }).made).limiter
  expect(none.isExempt('127.0.0.1')).toBe(false)
})

test('what is no network is a configuration fault that names the setting', () => {
  expect(withSettings({ RATE_LIMIT_EXEMPT: 'proxy.example' }).made).toMatchObject({
    fault: { code: 'configuration-invalid', message: 'RATE_LIMIT_EXEMPT: not an address or network' },
  })
})

test('an exempt proxy that is not trusted is warned of, once', () => {
  const { made, warnings } = withSettings({})
  const { onIgnoredForward } = unwrap(made)
  onIgnoredForward('10.0.0.1')
  expect(warnings).toEqual([])
  for (let i = 0; i < 3; i++) onIgnoredForward('127.0.0.1')
  expect(warnings).toEqual([{ peer: '127.0.0.1' }])
})
