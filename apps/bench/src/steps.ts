/** Shows what is being done: one line per step, rewritten in a terminal, a plain line elsewhere. */
export class Steps {
  readonly #stream: NodeJS.WriteStream
  #label = ''
  #drawnMs = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  async step<T>(
    label: string,
    work: (progress: (done: number, total?: number) => void) => Promise<T>,
  ): Promise<T> {
    this.#label = label
    const startedMs = performance.now()
    this.#draw('…')
    const result = await work((done, total) => {
      if (performance.now() - this.#drawnMs < 200) return
      this.#draw(total === undefined ? done.toLocaleString('en-US') : `${Math.floor((100 * done) / total)}%`)
    })
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    this.#stream.write(`${this.#stream.isTTY ? '\r\x1b[K' : ''}${label}: ${seconds} s\n`)
    return result
  }

  #draw(state: string): void {
    this.#drawnMs = performance.now()
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${this.#label} ${state}`)
  }
}
