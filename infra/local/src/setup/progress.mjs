/**
 * What a step may do while it runs.
 * @typedef {{ detail: (text: string) => void }} StepContext
 */

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 120
/** A step that takes longer than this says in plain output that it is alive. */
const STILL_MS = 30_000

/**
 * Shows steps as they run: a spinner with the time in a terminal, one plain line a step elsewhere.
 */
export class Progress {
  /** @param {{ color?: boolean, out?: NodeJS.WriteStream }} [options] */
  constructor({ color = true, out = process.stdout } = {}) {
    this.out = out
    this.fancy = color && out.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
    // A closed terminal must not end what runs behind it.
    out.on('error', () => {})
  }

  /** @param {string} text @param {number} code SGR */
  paint(text, code) {
    return this.fancy ? `\u001b[${code}m${text}\u001b[0m` : text
  }

  /** @param {string} text */
  line(text) {
    this.out.write(`${text}\n`)
  }

  /** Something worth knowing that stops nothing. @param {string} text */
  notice(text) {
    this.line(`${this.paint('!', 33)} ${text}`)
  }

  /**
   * Runs one step; shows it while it runs, and how long it took.
   * @template T
   * @param {string} label
   * @param {(context: StepContext) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async step(label, work) {
    const startMs = performance.now()
    const seconds = () => `${((performance.now() - startMs) / 1000).toFixed(1)} s`
    let detail = ''
    const timer = this.fancy
      ? this.#spin(label, () => detail, seconds)
      : this.#tellStill(label, () => detail, seconds)
    try {
      const value = await work({
        detail: (text) => {
          detail = text
        },
      })
      clearInterval(timer)
      this.#end(`${this.fancy ? this.paint('✔', 32) : 'ok  '} ${label} ${this.paint(`(${seconds()})`, 2)}`)
      return value
    } catch (error) {
      clearInterval(timer)
      this.#end(`${this.fancy ? this.paint('✘', 31) : 'FAIL'} ${label} ${this.paint(`(${seconds()})`, 2)}`)
      throw error
    }
  }

  /** @param {string} label @param {() => string} detail @param {() => string} seconds */
  #spin(label, detail, seconds) {
    let frame = 0
    const draw = () => {
      const spinner = this.paint(FRAMES[frame++ % FRAMES.length] ?? '', 36)
      const text = `${label}  ${seconds()}${detail() === '' ? '' : `  ${detail()}`}`
      this.out.write(`\r\u001b[K${spinner} ${text.slice(0, (this.out.columns || 80) - 4)}`)
    }
    draw()
    return setInterval(draw, FRAME_MS)
  }

  /** @param {string} label @param {() => string} detail @param {() => string} seconds */
  #tellStill(label, detail, seconds) {
    return setInterval(
      () => this.line(`… ${label} (${seconds()}${detail() === '' ? '' : `, ${detail()}`})`),
      STILL_MS,
    )
  }

  /** @param {string} text */
  #end(text) {
    this.out.write(this.fancy ? `\r\u001b[K${text}\n` : `${text}\n`)
  }
}
