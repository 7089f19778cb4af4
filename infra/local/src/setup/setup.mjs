import { join } from 'node:path'
import { hasClassArchive, makeClassArchive } from '../kafka/class-archive.mjs'
import { ensureKafkaJars, hasKafkaJars, KAFKA_VERSION, kafkaJarsDirectory } from '../kafka/jars.mjs'
import { OperatorError } from '../operator-error.mjs'
import { cacheDirectory, ROOT } from '../paths.mjs'
import { delayMs } from '../process/until.mjs'
import { lockOwner, takeLock } from './data-lock.mjs'
import { installPackages, packagesAreCurrent } from './node-packages.mjs'
import { installSecp256k1, installTools, missingTools } from './system-tools.mjs'

/** Not in the data folder: two stacks of one clone must not install packages at the same time. */
const SETUP_LOCK = join(ROOT, '.millrace', 'setup-lock.json')
const SETUP_WAIT_MS = 20 * 60_000

/**
 * Makes a fresh clone ready to run: a JRE and Maven, npm's packages with the pinned Node, Kafka's jars. Does only what is
 * missing; a second setup of the same clone waits for the first. Throws OperatorError.
 * @param {import('./progress.mjs').Progress} progress
 * @param {{ kafka?: boolean }} [needs] kafka: a local broker will run (default true)
 */
export async function setUp(progress, { kafka = true } = {}) {
  const lock = await takeSetupLock(progress)
  try {
    if (kafka) await setUpTools(progress)
    // Beside npm: both mostly wait for the network.
    const pendingKafka = kafka ? await prepareKafka() : null
    if (!packagesAreCurrent()) {
      // Only with an install: a machine without a network must not wait for it at every start.
      await offerSecp256k1(progress)
      await progress.step('npm packages, Node 24 and ClickHouse', installPackages)
    }
    if (pendingKafka === null) return
    const notice = await progress.step(
      `Kafka ${KAFKA_VERSION} through Maven (45 MB), prepared for fast starts`,
      async () => {
        const { error, notice } = await pendingKafka.done
        if (error !== null) throw error
        return notice
      },
    )
    if (notice !== null) progress.notice(notice)
  } finally {
    lock.release()
  }
}

/** @param {import('./progress.mjs').Progress} progress */
async function setUpTools(progress) {
  const packages = await missingTools({ jars: hasKafkaJars(kafkaJarsDirectory(cacheDirectory())) })
  if (packages.length > 0) await progress.step('Java and Maven', (context) => installTools(packages, context))
}

/** @param {import('./progress.mjs').Progress} progress */
async function offerSecp256k1(progress) {
  const notice = await installSecp256k1()
  if (notice !== null) progress.notice(notice)
}

/**
 * Begins to fetch the jars and to make their class archive; null when both are there. `done` never rejects.
 * @returns {Promise<{ done: Promise<{ error: unknown, notice: string | null }> } | null>}
 */
async function prepareKafka() {
  const cacheDir = cacheDirectory()
  const jars = kafkaJarsDirectory(cacheDir)
  if (hasKafkaJars(jars) && (await hasClassArchive(jars))) return null
  const done = ensureKafkaJars({ cacheDir }).then(
    () =>
      makeClassArchive(jars, cacheDir).then(
        () => ({ error: null, notice: null }),
        (error) => ({
          error: null,
          notice: `Kafka starts slower without its class archive: ${error.message.split('\n')[0]}`,
        }),
      ),
    (error) => ({ error, notice: null }),
  )
  return { done }
}

/** @param {import('./progress.mjs').Progress} progress */
async function takeSetupLock(progress) {
  const owner = lockOwner(SETUP_LOCK)
  if (owner !== null)
    await progress.step(`waiting for the setup that pid ${owner.pid} runs`, async () => {
      const endMs = performance.now() + SETUP_WAIT_MS
      while (lockOwner(SETUP_LOCK) !== null) {
        if (performance.now() > endMs) throw new OperatorError(`the setup of pid ${owner.pid} does not end`)
        await delayMs(500)
      }
    })
  return takeLock(SETUP_LOCK, { what: 'a setup' })
}
