import { z } from 'zod'
import { defineSection } from '../define.ts'
import { wholeNumber } from '../values.ts'

/** How long events of some kinds are kept, counted from when the log took them in. */
export interface RetentionRule {
  readonly kindFrom: number
  /** Inclusive. */
  readonly kindTo: number
  readonly keptS: number
}

export interface RetentionConfig {
  /** The first rule that names the kind holds. */
  readonly retention: readonly RetentionRule[]
  /** How long a superseded version stays, seconds; null: for ever. */
  readonly supersededKeptS: number | null
}

const DAY_S = 86_400
const KIND_MAX = 65_535
const RULE = /^(\d{1,5})(?:-(\d{1,5}))?=(\d{1,9})([sdh]?)$/
const UNIT_S = { s: 1, h: 3_600, d: DAY_S, '': DAY_S } as const

export const retentionSection = defineSection(
  'Retention',
  {
    RETENTION: z
      .string()
      .default('')
      .transform((text, ctx) => {
        const rules = text
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '')
          .map(ruleOf)
        const sound = rules.filter((rule) => rule !== null)
        if (sound.length === rules.length) return sound
        ctx.addIssue({
          code: 'custom',
          message: 'must be like 7=90d,20000-29999=1h: kinds and how long they are kept',
        })
        return z.NEVER
      })
      .describe(
        'How long events are kept, by kind: `7=90d,1-3=365d` (d, h or s); the first rule that names a kind holds, others are kept for ever, kinds 5 and 62 always',
      )
      .meta({ unit: 'comma-separated list' }),
    SUPERSEDED_RETENTION_S: wholeNumber(
      's',
      0,
      'How long a version that a newer one has replaced stays in the log; 0: for ever',
    ),
  },
  (v): RetentionConfig => ({
    retention: v.RETENTION,
    supersededKeptS: v.SUPERSEDED_RETENTION_S === 0 ? null : v.SUPERSEDED_RETENTION_S,
  }),
)

function ruleOf(text: string): RetentionRule | null {
  const [, from, to = from, amount, unit = ''] = RULE.exec(text) ?? []
  const [kindFrom, kindTo] = [Number(from), Number(to)]
  if (amount === undefined || kindFrom > kindTo || kindTo > KIND_MAX) return null
  return { kindFrom, kindTo, keptS: Number(amount) * UNIT_S[unit as keyof typeof UNIT_S] }
}
