import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { OperatorError } from '../operator-error.mjs'

const run = promisify(execFile)
const JAVA_MAJOR_MIN = 17
const INSTALL_TIMEOUT_MS = 15 * 60_000

/** The major version of the JRE on the path, null without one. @returns {Promise<number | null>} */
export async function javaMajor() {
  try {
    const { stderr, stdout } = await run('java', ['-version'])
    const version = /version "(\d+)(?:\.(\d+))?/.exec(stderr + stdout)
    return version === null ? null : Number(version[1] === '1' ? version[2] : version[1])
  } catch {
    return null
  }
}

async function hasMaven() {
  try {
    await run('mvn', ['-v'])
    return true
  } catch {
    return false
  }
}

/** Signature checks run seven times as fast with the system's libsecp256k1 (libs/verifier). */
function hasSecp256k1() {
  const roots = ['/usr/lib', '/usr/local/lib', '/lib', '/usr/lib64', '/opt/homebrew/lib']
  const folders = roots.flatMap((root) => [root, ...subfolders(root)])
  return folders.some((folder) =>
    filesOf(folder).some((file) => /^libsecp256k1\.(so\.[126]$|.*dylib$)/.test(file)),
  )
}

/** @param {string} folder */
const filesOf = (folder) => (existsSync(folder) ? readdirSync(folder) : [])
/** @param {string} folder */
const subfolders = (folder) =>
  filesOf(folder)
    .filter((f) => f.endsWith('-linux-gnu'))
    .map((f) => `${folder}/${f}`)

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

/**
 * What is missing of a JRE (17 or newer) and Maven, as Debian packages.
 * @param {{ jars: boolean }} have Maven is needed only to fetch the jars
 * @returns {Promise<string[]>}
 */
export async function missingTools({ jars }) {
  const missing = []
  const java = await javaMajor()
  if (java === null || java < JAVA_MAJOR_MIN) missing.push('openjdk-17-jre-headless')
  if (!jars && !(await hasMaven())) missing.push('maven')
  return missing
}

/**
 * Installs a JRE and Maven where that can be done without asking (Debian or Ubuntu, as root), else says what to install.
 * @param {readonly string[]} packages as missingTools answers
 * @param {import('./progress.mjs').StepContext} context
 * @param {{ debian: boolean, root: boolean }} [machine]
 */
export async function installTools(
  packages,
  { detail },
  machine = { debian: isDebian(), root: process.getuid?.() === 0 },
) {
  if (packages.length === 0) return
  const byHand = `apt-get install -y ${packages.join(' ')}`
  if (!machine.debian)
    throw new OperatorError(
      `missing: ${packages.map((p) => (p === 'maven' ? 'Maven (mvn)' : `a Java runtime, version ${JAVA_MAJOR_MIN} or newer`)).join(' and ')}. Install it with your system's package manager and start again.`,
    )
  if (!machine.root) throw new OperatorError(`missing packages; run: sudo ${byHand}`)
  detail('apt-get update')
  await apt(['update'], byHand)
  const jre = packages.includes('openjdk-17-jre-headless') ? await availableJre() : null
  detail(byHand)
  await apt(
    [
      'install',
      '-y',
      '--no-install-recommends',
      ...packages.map((p) => (p === 'maven' || jre === null ? p : jre)),
    ],
    byHand,
  )
}

/** Newer Debian releases drop version 17. */
async function availableJre() {
  const { stdout } = await run('apt-cache', ['policy', 'openjdk-17-jre-headless'])
  return /Candidate: (?!\(none\))/.test(stdout) ? 'openjdk-17-jre-headless' : 'default-jre-headless'
}

/**
 * Installs libsecp256k1 where that can be done without asking; answers what to tell otherwise, null when all is well.
 * @returns {Promise<string | null>}
 */
export async function installSecp256k1() {
  if (hasSecp256k1()) return null
  const slower = 'signatures are checked by nostr-wasm, about seven times slower than with libsecp256k1'
  if (!isDebian() || process.getuid?.() !== 0) return `${slower}; the package is libsecp256k1-1 on Debian`
  await apt(['update'], 'apt-get update').catch(() => {})
  for (const name of ['libsecp256k1-1', 'libsecp256k1-2']) {
    try {
      await apt(['install', '-y', '--no-install-recommends', name], name)
      if (hasSecp256k1()) return null
    } catch {
      // Each release of Debian has one of the two names.
    }
  }
  return `${slower}, and neither libsecp256k1-1 nor libsecp256k1-2 could be installed`
}

/** @param {string[]} args @param {string} byHand */
async function apt(args, byHand) {
  try {
    await run('apt-get', ['-qq', ...args], {
      timeout: INSTALL_TIMEOUT_MS,
      maxBuffer: 16 * 1024 * 1024,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  } catch (cause) {
    const { stderr } = /** @type {{ stderr?: string }} */ (cause)
    const reason = stderr?.split('\n').find((line) => line.startsWith('E:')) ?? String(cause).split('\n')[0]
    throw new OperatorError(`apt-get ${args[0]} failed (${reason}); run it by hand: ${byHand}`, cause)
  }
}
