import { readFileSync } from 'node:fs'
import { err, type Fault, fatal, ok, type Result } from '@millrace/kernel'
import { parse as parseToml } from 'smol-toml'
import { z } from 'zod'

/** One setting as the documentation shows it. */
export interface SettingDoc {
  readonly name: string
  readonly description: string
  readonly type: string
  readonly default: string
  readonly secret: boolean
}

/**
 * A group of settings: environment variable names → zod schemas, turned into one typed object. Descriptions come from
 * `.describe()`, secrecy from `secret()`.
 */
export interface Section<S extends z.ZodRawShape, T> {
  readonly title: string
  readonly shape: S
  readonly build: (values: z.output<z.ZodObject<S>>) => T
}

// biome-ignore lint/suspicious/noExplicitAny: a section of any shape
export type AnySection = Section<any, any>

export const defineSection = <S extends z.ZodRawShape, T>(
  title: string,
  shape: S,
  build: (values: z.output<z.ZodObject<S>>) => T,
): Section<S, T> => ({ title, shape, build })

/** A config object of one app: its sections by name. */
export type ConfigOf<D extends Record<string, AnySection>> = {
  readonly [K in keyof D]: D[K] extends Section<infer _S, infer T> ? T : never
}

/** Marks a value to be masked by --print-config. */
export const secret = <T extends z.ZodType>(schema: T): T => schema.meta({ secret: true }) as T

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Parses an app's configuration once: values from the environment win over the TOML or JSON file named by
 * MILLRACE_CONFIG. The result is frozen. Faults: configuration-invalid, naming every wrong setting.
 */
export function parseConfig<D extends Record<string, AnySection>>(
  sections: D,
  env: Environment,
): Result<ConfigOf<D>> {
  const file = readConfigFile(env['MILLRACE_CONFIG'])
  if (!file.ok) return file
  const problems: string[] = []
  const out: Record<string, unknown> = {}
  for (const [name, section] of Object.entries(sections)) {
    const shape = section.shape as z.ZodRawShape
    const input = Object.fromEntries(Object.keys(shape).map((key) => [key, setting(key, env, file.value)]))
    const parsed = z.object(shape).safeParse(input)
    if (parsed.success) out[name] = Object.freeze(section.build(parsed.data as never))
    else problems.push(...parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`))
  }
  if (problems.length > 0) return err(fatal('configuration-invalid', problems.join('; ')))
  return ok(Object.freeze(out) as ConfigOf<D>)
}

// An empty variable is an unset one: compose files and CI systems cannot leave a variable out.
const setting = (key: string, env: Environment, file: Record<string, unknown>): unknown => {
  const value = env[key]
  if (value !== undefined && value !== '') return value
  const fromFile = file[key]
  return fromFile === undefined ? undefined : typeof fromFile === 'string' ? fromFile : String(fromFile)
}

function readConfigFile(path: string | undefined): Result<Record<string, unknown>, Fault> {
  if (path === undefined || path === '') return ok({})
  try {
    const text = readFileSync(path, 'utf8')
    return ok((path.endsWith('.json') ? JSON.parse(text) : parseToml(text)) as Record<string, unknown>)
  } catch (cause) {
    return err(fatal('configuration-invalid', `MILLRACE_CONFIG: cannot read ${path}`, cause))
  }
}

/** What each setting means, for docs/configuration.md. */
export function settingDocs(section: AnySection): readonly SettingDoc[] {
  return Object.entries(section.shape as Record<string, z.ZodType>).map(([name, schema]) => {
    const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>
    const enumValues = Array.isArray(json['enum']) ? (json['enum'] as string[]).join(' \\| ') : undefined
    return {
      name,
      description: String(json['description'] ?? ''),
      type: enumValues ?? String(schema.meta()?.['unit'] ?? 'text'),
      default: json['default'] === undefined ? '' : String(json['default']),
      secret: schema.meta()?.['secret'] === true,
    }
  })
}

/** The settings in force, secrets masked: what --print-config shows. */
export function printConfig(sections: Record<string, AnySection>, env: Environment): string {
  const lines: string[] = []
  for (const section of Object.values(sections)) {
    lines.push(`# ${section.title}`)
    for (const doc of settingDocs(section)) {
      const set = env[doc.name]
      const value = set === undefined || set === '' ? doc.default : doc.secret ? '********' : set
      lines.push(`${doc.name}=${value}`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** Every setting of an app as JSON: what docs/configuration.md is generated from. */
export const describeConfig = (sections: Record<string, AnySection>): string =>
  `${JSON.stringify(
    Object.values(sections).map((section) => ({ title: section.title, settings: settingDocs(section) })),
    null,
    2,
  )}\n`
