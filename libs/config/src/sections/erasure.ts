import { defineSection } from '../define.ts'
import { wholeNumber } from '../values.ts'

const ERASURE_DEADLINE_S = wholeNumber(
  's',
  86_400,
  'How long erased bytes may stay: in the log, and in every store that follows from it',
  { min: 10 },
)

/** The one deadline that the topics' settings and all stores keep to. */
export const erasureShape = { ERASURE_DEADLINE_S }

export interface ErasureConfig {
  /** How long erased bytes may stay, seconds. */
  readonly deadlineS: number
}

export const erasureSection = defineSection(
  'Erasure',
  erasureShape,
  (v): ErasureConfig => ({ deadlineS: v.ERASURE_DEADLINE_S }),
)
