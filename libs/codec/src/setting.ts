import { err, type Fault, ok, type Result } from '@millrace/kernel'
import { wireFormatOf } from './wire-format.ts'

/** The current value of one setting or entity; the record key is `<scope>:<key>`. */
export interface RelaySetting {
  readonly scope: string
  readonly key: string
  /** JSON text. */
  readonly value: string
  readonly actor: string
  readonly recordedAtMs: number
}

interface SettingBody {
  readonly scope: string
  readonly key: string
  readonly value: string
  readonly actor: string
  readonly recorded_at_ms: number
}

export const settingKey = ({ scope, key }: Pick<RelaySetting, 'scope' | 'key'>): string => `${scope}:${key}`

export const encodeSetting = (setting: RelaySetting): Buffer =>
  wireFormatOf('relay-setting').encode({
    scope: setting.scope,
    key: setting.key,
    value: setting.value,
    actor: setting.actor,
    recorded_at_ms: setting.recordedAtMs,
  })

/** Faults: record-undecodable, schema-unknown. */
export function decodeSetting(value: Buffer): Result<RelaySetting, Fault> {
  const decoded = wireFormatOf('relay-setting').decode(value)
  if (!decoded.ok) return err(decoded.fault)
  const { scope, key, value: json, actor, recorded_at_ms } = decoded.value as unknown as SettingBody
  return ok({ scope, key, value: json, actor, recordedAtMs: recorded_at_ms })
}
