import { join } from 'node:path'

/**
 * The broker's server.properties: one KRaft node that is broker and controller, on 127.0.0.1 only.
 * @param {{ dataDir: string, port: number, controllerPort: number, properties?: Readonly<Record<string, string | number>> }} options
 * @returns {string}
 */
export function serverProperties({ dataDir, port, controllerPort, properties = {} }) {
  const all = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    // Static voters: a dynamic quorum records the controller's port, and then the data could not move to another one.
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(dataDir, 'log'),
    // A killed broker is let back in only when its old session has expired (9 s by default).
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3000,
    'auto.create.topics.enable': false,
    'delete.topic.enable': true,
    // A group of one process gains nothing from waiting for more members.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 3000,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'log.cleaner.enable': true,
    // Ephemeral events are kept for 60 s; Kafka looks for what is too old every five minutes by default.
    'log.retention.check.interval.ms': 10_000,
    // Part of the erasure deadline (topics/topic.ts); a look at every partition's age costs next to nothing.
    'log.cleaner.backoff.ms': 1_000,
    // The buffer is divided among the threads: 24 bytes a record, filled to 90 %, so that one pass takes 1.26 million new records
    // of a partition. It lies in the heap from the start. Measured: docs/runbooks/log-compaction.md.
    'log.cleaner.threads': 1,
    'log.cleaner.dedupe.buffer.size': 33_554_432,
    'message.max.bytes': 4_194_304,
    'replica.fetch.max.bytes': 4_259_840,
    'socket.request.max.bytes': 16_777_216,
    'num.network.threads': 2,
    'num.io.threads': 4,
    ...properties,
  }
  return `${Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}
