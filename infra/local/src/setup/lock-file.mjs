/**
 * A package as package-lock.json has it.
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [resolved]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 * @property {Record<string, string>} [optionalDependencies]
 *
 * @typedef {{ packages: Record<string, LockedPackage> }} LockFile
 */

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
]
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']
const EXACT_VERSION = /^\d+\.\d+\.\d+(-[\w.]+)?$/

/**
 * Optional packages that others name and the lock file lacks. npm leaves them out when the registry it asks does not
 * carry them, as mirrors for one platform do, and then `npm ci` refuses the lock file as out of step.
 * @param {LockFile} lock
 * @returns {{ name: string, version: string, dev: boolean }[]}
 */
export function missingOptionals({ packages }) {
  /** @type {Map<string, { name: string, version: string, dev: boolean }>} */
  const missing = new Map()
  for (const [path, { optionalDependencies = {}, dev = false }] of Object.entries(packages))
    for (const [name, version] of Object.entries(optionalDependencies))
      if (!isFound(packages, path, name)) missing.set(name, { name, version, dev })
  return [...missing.values()]
}

/** As Node looks packages up: beside, then outwards. @param {LockFile['packages']} packages @param {string} from @param {string} name */
function isFound(packages, from, name) {
  let folder = from
  while (true) {
    if (packages[folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`] !== undefined)
      return true
    if (folder === '') return false
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))
  }
}

/**
 * Adds the missing optional packages, with the platform that their names tell, so that npm skips them elsewhere.
 * @param {LockFile} lock
 * @returns {LockFile}
 */
export function completeLock(lock) {
  const added = missingOptionals(lock).map(({ name, version, dev }) => {
    if (!EXACT_VERSION.test(version)) throw new Error(`${name}: ${version} is not an exact version`)
    const entry = { version, ...platformOf(name), optional: true, ...(dev ? { dev } : {}) }
    return /** @type {[string, LockedPackage]} */ ([`node_modules/${name}`, entry])
  })
  const all = Object.entries(lock.packages).concat(added)
  return { ...lock, packages: Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** @param {string} name */
function platformOf(name) {
  const words = name.split(/[-/]/)
  const os = words.filter((word) => SYSTEMS.includes(word))
  const cpu = words.filter((word) => PROCESSORS.includes(word))
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : []
  if (os.length !== 1 || cpu.length !== 1) throw new Error(`${name} does not tell its platform`)
  return { cpu, ...(libc.length === 0 ? {} : { libc }), os }
}
