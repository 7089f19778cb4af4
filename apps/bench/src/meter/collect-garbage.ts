import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/**
 * Cleans the heap up before the clock starts: a corpus fills it with so much that marking it would take a core away from the
 * relay for a while.
 */
export const collectGarbage = (): void => collect()
