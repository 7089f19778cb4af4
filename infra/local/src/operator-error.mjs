/**
 * Something the person at the terminal has to act on: a port taken, a tool missing, a lock held. Its message is complete
 * and is printed alone, without a stack.
 */
export class OperatorError extends Error {
  /** @param {string} message @param {unknown} [cause] */
  constructor(message, cause) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'OperatorError'
  }
}
