import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '../process/ports.mjs'
import { CLASS_ARCHIVE, startKafka } from './launch.mjs'

const MADE_BY = 'classes.java-version'

/** An archive fits only the very JVM that wrote it. */
async function javaVersion() {
  const { stderr, stdout } = await promisify(execFile)('java', ['-version'])
  return stderr + stdout
}

/** @param {string} jars @returns {Promise<boolean>} */
export async function hasClassArchive(jars) {
  const madeBy = join(jars, MADE_BY)
  return (
    existsSync(join(jars, CLASS_ARCHIVE)) &&
    existsSync(madeBy) &&
    readFileSync(madeBy, 'utf8') === (await javaVersion())
  )
}

/**
 * Writes the broker's loaded classes as a file that the JVM maps (JEP 350); starts take half the time with it, measured
 * 3.4 s → 1.7 s. Runs a broker once on an empty folder and has the JVM write the archive when it stops.
 * @param {string} jars
 * @param {string} cacheDir
 */
export async function makeClassArchive(jars, cacheDir) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-classes-'))
  try {
    const written = join(folder, CLASS_ARCHIVE)
    const [port = 0, controllerPort = 0] = await freePorts(2)
    const broker = await startKafka({
      dataDir: join(folder, 'data'),
      port,
      controllerPort,
      cacheDir,
      jvmFlags: [`-XX:ArchiveClassesAtExit=${written}`],
    })
    await broker.stop()
    if (!existsSync(written)) throw new Error('the JVM wrote no class archive')
    rmSync(join(jars, MADE_BY), { force: true })
    adopt(written, join(jars, CLASS_ARCHIVE))
    writeFileSync(join(jars, MADE_BY), await javaVersion())
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Renamed in place, since a running broker may have the old one mapped. @param {string} from @param {string} to */
function adopt(from, to) {
  const partial = `${to}.partial-${process.pid}`
  writeFileSync(partial, readFileSync(from))
  renameSync(partial, to)
}
