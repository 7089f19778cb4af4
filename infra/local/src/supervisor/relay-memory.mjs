// What bounds the memory of an edge. compose.yaml has the same bounds; docs/performance.md has what each of them brought.

const MIB = 1024 * 1024
/** Of an edge's heap beside its overlay. */
const HEAP_MIB = 512
const OVERLAY_BYTES_MAX_DEFAULT = 512 * MIB
const YOUNG_MIB = 4

const MALLOC = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '262144',
  MALLOC_TRIM_THRESHOLD_: '262144',
}

/**
 * Flags for Node, but for those that the person who starts the stack gives in NODE_OPTIONS, which the command line would beat.
 * @param {NodeJS.ProcessEnv} env
 */
export function relayNodeFlags(env) {
  const overlayMib = Math.ceil(Number(env['OVERLAY_BYTES_MAX'] || OVERLAY_BYTES_MAX_DEFAULT) / MIB)
  // What is no number the relay itself refuses, with a reason.
  const heapMib = HEAP_MIB + (overlayMib > 0 ? overlayMib : OVERLAY_BYTES_MAX_DEFAULT / MIB)
  const flags = [`--max-semi-space-size=${YOUNG_MIB}`, `--max-old-space-size=${heapMib}`]
  const own = env['NODE_OPTIONS'] ?? ''
  return flags.filter((flag) => !own.includes(flag.slice(0, flag.indexOf('='))))
}

/** Settings of glibc's malloc, the person's own first. @param {NodeJS.ProcessEnv} env */
export const relayMalloc = (env) =>
  Object.fromEntries(Object.entries(MALLOC).map(([name, value]) => [name, env[name] || value]))
