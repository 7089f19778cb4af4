/** A whole number in [0, sides). */
export type Dice = (sides: number) => number

/** Mulberry32: small, fast, and the same sequence for the same seed everywhere. */
export function seededDice(seed: number): Dice {
  let state = seed >>> 0
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * sides)
  }
}

export function pickOne<T>(dice: Dice, items: readonly T[]): T {
  return items[dice(items.length)] as T
}
