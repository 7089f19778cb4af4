import { fanoutModes } from './fanout.ts'
import { idleModes } from './idle.ts'
import { mixedModes } from './mixed.ts'
import type { Mode } from './mode.ts'
import { publishModes } from './publish.ts'
import { requestModes, requestModesBesideWrites } from './requests.ts'
import { sinkModes } from './sink.ts'

/** Reads first, while the relay holds the base alone; what publishes most comes last. */
export const MODES: readonly Mode[] = [
  ...requestModes,
  ...idleModes,
  ...fanoutModes,
  ...requestModesBesideWrites,
  ...mixedModes,
  ...publishModes,
  ...sinkModes,
]

/** The modes that a comma-separated list names, each by its name or the beginning of it (`publish`, `req-`, `reqw`); throws on others. */
export function modesNamed(list: string): readonly Mode[] {
  const wanted = list.split(',').map((name) => name.trim())
  for (const name of wanted)
    if (!MODES.some((mode) => isNamed(mode, name)))
      throw new Error(`no mode begins with "${name}": ${MODES.map((mode) => mode.name).join(', ')}`)
  return MODES.filter((mode) => wanted.some((name) => isNamed(mode, name)))
}

/** `publish-1x1` names one mode, not `publish-1x16` too; `req` means REQs alone, not those beside writes. */
function isNamed({ name }: Mode, wanted: string): boolean {
  return name === wanted || (wanted !== '' && name.startsWith(wanted.endsWith('-') ? wanted : `${wanted}-`))
}
