import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The clone's root folder. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '')

/** Where everything kept on disk lies. @param {NodeJS.ProcessEnv} [env] */
export const dataDirectory = (env = process.env) => resolve(ROOT, env['MILLRACE_DATA'] || '.millrace')

/** What can be downloaded again; shared by stacks with other data folders. @param {NodeJS.ProcessEnv} [env] */
export const cacheDirectory = (env = process.env) => resolve(ROOT, env['MILLRACE_CACHE'] || '.millrace/cache')

/** The pinned Node 24, which npm installs. */
export const NODE = join(ROOT, 'node_modules/node/bin/node')
