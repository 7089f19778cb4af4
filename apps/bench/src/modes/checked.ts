import type { Answer } from '../oracle/oracle.ts'
import type { ModeContext } from './mode.ts'

const FAULTS_SHOWN_MAX = 3
const FILTER_CHARACTERS_MAX = 300

/** Holds every answer against the oracle, once the clock has stopped; throws when one is wrong. Answers how many there were. */
export function checkAnswers(
  { target, oracle }: Pick<ModeContext, 'target' | 'oracle'>,
  answers: readonly Answer[],
): number {
  if (target.isHollow === true) return 0
  const faults = answers.flatMap((answer) => {
    const fault = oracle.fault(answer)
    return fault === null
      ? []
      : [`${fault}: ${JSON.stringify(answer.filters).slice(0, FILTER_CHARACTERS_MAX)}`]
  })
  if (faults.length === 0) return answers.length
  const shown = faults.slice(0, FAULTS_SHOWN_MAX).join('\n  ')
  throw new Error(`${faults.length} of ${answers.length} answers are wrong:\n  ${shown}`)
}
