/**
 * Values to the slots listed under them. Nearly every value has one slot, so a bare slot stands for a set of one.
 */
export class PostingMap<V, S extends object> {
  readonly #slots = new Map<V, S | Set<S>>()

  /** The slots listed under the value; undefined when there is none. */
  get(value: V): S | ReadonlySet<S> | undefined {
    return this.#slots.get(value)
  }

  add(value: V, slot: S): void {
    const known = this.#slots.get(value)
    if (known === undefined) this.#slots.set(value, slot)
    else if (known instanceof Set) known.add(slot)
    else if (known !== slot) this.#slots.set(value, new Set([known, slot]))
  }

  remove(value: V, slot: S): void {
    const known = this.#slots.get(value)
    if (known === slot) this.#slots.delete(value)
    else if (known instanceof Set && known.delete(slot) && known.size === 0) this.#slots.delete(value)
  }

  get size(): number {
    return this.#slots.size
  }
}
