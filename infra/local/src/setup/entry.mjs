import { OperatorError } from '../operator-error.mjs'
import { LAUNCHER_SETTINGS } from '../settings.mjs'

/**
 * Reads the flags that npm start and npm run check take; prints the help and exits for --help.
 * @param {readonly string[]} args
 * @param {string} usage
 * @returns {{ color: boolean }}
 */
export function readFlags(args, usage) {
  if (args.includes('--help') || args.includes('-h')) {
    const width = Math.max(...LAUNCHER_SETTINGS.map(({ name }) => name.length))
    const rows = LAUNCHER_SETTINGS.map((s) => {
      const fallback = s.default === '' ? '' : ` (${s.default})`
      return `  ${s.name.padEnd(width)}  ${s.description}${fallback}`
    })
    process.stdout.write(
      `${usage}\n\n  --no-color  plain lines, for logs and CI\n\nEnvironment\n${rows.join('\n')}\n`,
    )
    process.exit(0)
  }
  const unknown = args.find((arg) => arg !== '--no-color')
  if (unknown !== undefined)
    throw new OperatorError(`unknown argument ${unknown}; --help shows the known ones`)
  return { color: !args.includes('--no-color') }
}

/**
 * Runs an entry script and exits with what it answers; what an operator has to act on is one line, without a stack.
 * @param {() => Promise<number>} work
 */
export async function runEntry(work) {
  try {
    process.exit(await work())
  } catch (error) {
    const text = error instanceof OperatorError ? error.message : /** @type {Error} */ (error).stack
    process.stderr.write(`error: ${text}\n`)
    process.exit(1)
  }
}
