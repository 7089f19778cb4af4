import { z } from 'zod'

/** A whole number with its unit, given as text. */
export const wholeNumber = (
  unit: string,
  defaultValue: number,
  description: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
) =>
  z
    .string()
    .default(String(defaultValue))
    .transform((text, ctx) => {
      const value = Number(text)
      if (/^\d+$/.test(text.trim()) && value >= min && value <= max) return value
      ctx.addIssue({ code: 'custom', message: `must be a whole number from ${min} to ${max} (${unit})` })
      return z.NEVER
    })
    .describe(description)
    .meta({ unit })

export const port = (defaultValue: number, description: string) =>
  wholeNumber('port', defaultValue, description, { max: 65_535 })

export const flag = (defaultValue: boolean, description: string) =>
  z
    .enum(['true', 'false', '1', '0', 'on', 'off'])
    .default(defaultValue ? 'true' : 'false')
    .transform((text) => text === 'true' || text === '1' || text === 'on')
    .describe(description)

/** A comma-separated list. */
export const list = (description: string, defaultValue = '') =>
  z
    .string()
    .default(defaultValue)
    .transform((text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    )
    .describe(description)
    .meta({ unit: 'comma-separated list' })

export const text = (defaultValue: string, description: string) =>
  z.string().default(defaultValue).describe(description)

export const optionalText = (description: string) => z.string().optional().describe(description)
