import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { OperatorError } from '../operator-error.mjs'
import { cacheDirectory } from '../paths.mjs'

export const KAFKA_VERSION = '4.3.1'
const POM = fileURLToPath(new URL('../../../kafka/pom.xml', import.meta.url))
const MARKER = '.complete.json'
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000
let attempts = 0

/** @param {string} cacheDir */
export const kafkaJarsDirectory = (cacheDir) => join(cacheDir, `kafka-${KAFKA_VERSION}`)

const pomHash = () => createHash('sha256').update(readFileSync(POM)).digest('hex')

/**
 * Whether the folder holds every jar of the present pom at its full size: an interrupted download has no marker.
 * @param {string} directory
 */
export function hasKafkaJars(directory) {
  try {
    /** @type {{ pom: string, jars: Record<string, number> }} */
    const marker = JSON.parse(readFileSync(join(directory, MARKER), 'utf8'))
    const complete = Object.entries(marker.jars).every(
      ([jar, bytes]) => statSync(join(directory, jar)).size === bytes,
    )
    return marker.pom === pomHash() && Object.keys(marker.jars).length > 0 && complete
  } catch {
    return false
  }
}

/**
 * Has Maven copy the broker's jars (about 45 MB) once; answers their folder. Safe to run from several processes at a
 * time: each fills a folder of its own and the first to finish gives it the name. Throws OperatorError.
 * @param {{ cacheDir?: string }} [options]
 * @returns {Promise<string>}
 */
export async function ensureKafkaJars({ cacheDir = cacheDirectory() } = {}) {
  const directory = kafkaJarsDirectory(cacheDir)
  if (hasKafkaJars(directory)) return directory
  mkdirSync(cacheDir, { recursive: true })
  removeAbandoned(cacheDir)
  const partial = `${directory}.partial-${process.pid}-${++attempts}`
  mkdirSync(partial)
  try {
    await copyWithMaven(partial)
    writeMarker(partial)
    adopt(partial, directory)
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return directory
}

/** What killed processes left half done. @param {string} cacheDir */
function removeAbandoned(cacheDir) {
  for (const name of readdirSync(cacheDir)) {
    const pid = /\.(?:partial|stale)-(\d+)/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(cacheDir, name), { recursive: true, force: true })
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

/** @param {string} directory */
async function copyWithMaven(directory) {
  const args = ['-B', '-q', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${directory}`]
  try {
    await promisify(execFile)('mvn', [...args, '-DincludeScope=runtime'], {
      timeout: DOWNLOAD_TIMEOUT_MS,
      maxBuffer: 16 * 1024 * 1024,
    })
  } catch (cause) {
    const { code, stdout, stderr } = /** @type {{ code?: unknown, stdout?: string, stderr?: string }} */ (
      cause
    )
    if (code === 'ENOENT')
      throw new OperatorError('Maven (mvn) is missing: run `npm start`, which installs it or says how')
    const lines = `${stdout ?? ''}${stderr ?? ''}`.split('\n').filter((line) => line.includes('ERROR'))
    throw new OperatorError(
      `Maven could not fetch Kafka ${KAFKA_VERSION}: ${lines[0] ?? String(cause)}\n  Try again: what arrived is kept.`,
      cause,
    )
  }
}

/** @param {string} directory */
function writeMarker(directory) {
  const jars = Object.fromEntries(
    readdirSync(directory)
      .filter((name) => name.endsWith('.jar'))
      .map((name) => [name, statSync(join(directory, name)).size]),
  )
  writeFileSync(join(directory, MARKER), JSON.stringify({ pom: pomHash(), jars }))
}

/** @param {string} partial @param {string} directory */
function adopt(partial, directory) {
  if (existsSync(directory)) {
    if (hasKafkaJars(directory)) return
    // Moved aside in one step, so that nobody ever sees half a folder under the final name.
    const stale = `${directory}.stale-${process.pid}-${attempts}`
    renameSync(directory, stale)
    rmSync(stale, { recursive: true, force: true })
  }
  try {
    renameSync(partial, directory)
  } catch (cause) {
    if (!hasKafkaJars(directory)) throw cause
  }
}
