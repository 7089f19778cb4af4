import type { Log, Offset } from '@millrace/kafka'

/** The end of every partition of a topic, as of now. */
export async function endsOf(kafka: Pick<Log, 'admin'>, topic: string): Promise<ReadonlyMap<number, Offset>> {
  const admin = await kafka.admin()
  try {
    return new Map((await admin.offsets(topic)).map(({ partition, end }) => [partition, end]))
  } finally {
    await admin.close()
  }
}
