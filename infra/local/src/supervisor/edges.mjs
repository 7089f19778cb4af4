import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError } from '../operator-error.mjs'
import { isPortFree } from '../process/ports.mjs'

/**
 * An edge added beside edge-1; kept across restarts.
 * @typedef {{ id: string, port: number }} ExtraEdge
 */

const FIRST_EXTRA = 2
const EDGES_MAX = 20

/** The extra edges of a data folder. */
export class EdgeList {
  /** @type {ExtraEdge[]} */
  edges

  /** @param {string} dataDir */
  constructor(dataDir) {
    this.file = join(dataDir, 'edges.json')
    this.edges = this.#read()
  }

  #read() {
    if (!existsSync(this.file)) return []
    try {
      /** @type {unknown} */
      const edges = JSON.parse(readFileSync(this.file, 'utf8'))
      if (Array.isArray(edges) && edges.every(isEdge)) return edges
    } catch {
      // Said below, as for any other content.
    }
    throw new OperatorError(
      `${this.file} is damaged: it must be a list of {"id": "edge-2", "port": 7781}; delete it to forget the extra edges`,
    )
  }

  #write() {
    const partial = `${this.file}.partial`
    writeFileSync(partial, `${JSON.stringify(this.edges, null, 2)}\n`)
    renameSync(partial, this.file)
  }

  /** @param {ExtraEdge} edge */
  add(edge) {
    this.edges = [...this.edges, edge]
    this.#write()
  }

  /** @param {string} id */
  remove(id) {
    this.edges = this.edges.filter((edge) => edge.id !== id)
    this.#write()
  }

  /** The lowest free name: an edge's group keeps its name when the edge comes back. */
  nextId() {
    for (let n = FIRST_EXTRA; n <= EDGES_MAX; n++)
      if (!this.edges.some(({ id }) => id === `edge-${n}`)) return `edge-${n}`
    throw new OperatorError(`${EDGES_MAX} edges run already, and that is as many as one log is meant for`)
  }
}

/** @param {any} edge @returns {edge is ExtraEdge} */
const isEdge = (edge) => /^edge-\d+$/.test(edge?.id) && Number.isInteger(edge?.port)

/**
 * The next free port above the first edge's.
 * @param {number} above @param {ReadonlySet<number>} taken @param {string} host
 */
export async function nextFreePort(above, taken, host) {
  for (let port = above + 1; port <= 65_535; port++)
    if (!taken.has(port) && (await isPortFree(port, host))) return port
  throw new OperatorError(`no free port above ${above}: name one`)
}
