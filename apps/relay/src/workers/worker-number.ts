import cluster from 'node:cluster'
import { WORKER_VARIABLE } from './messages.ts'

/** Which worker of its edge this process is, counted from 1; null: the edge's only process, or its primary. */
export const workerNumber = (): number | null =>
  cluster.isWorker ? Number(process.env[WORKER_VARIABLE]) : null
