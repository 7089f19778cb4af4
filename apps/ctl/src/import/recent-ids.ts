/**
 * The ids met lately: two generations of at most `perGenerationMax` each. An id repeated further apart than that is
 * appended again, which is harmless (the log is compacted by id, and every fold takes redelivery).
 */
export class RecentIds {
  readonly #perGenerationMax: number
  #young = new Set<string>()
  #old = new Set<string>()

  constructor(perGenerationMax: number) {
    this.#perGenerationMax = perGenerationMax
  }

  /** Remembers the id; false when it was known. */
  add(id: string): boolean {
    if (this.#young.has(id) || this.#old.has(id)) return false
    if (this.#young.size >= this.#perGenerationMax) {
      this.#old = this.#young
      this.#young = new Set()
    }
    this.#young.add(id)
    return true
  }
}
