import { z } from 'zod'

const hex = (bytes: number) => z.string().meta({ pattern: `^[0-9a-f]{${2 * bytes}}$` })

/** A signed event as NIP-01 has it. */
export const eventSchema = z
  .object({
    id: hex(32),
    pubkey: hex(32),
    created_at: z.int().min(0).meta({ description: "seconds since the Unix epoch, the author's claim" }),
    kind: z.int().min(0).max(65_535),
    tags: z.array(z.array(z.string())),
    content: z.string(),
    sig: hex(64),
  })
  .meta({ id: 'Event', description: 'NIP-01' })

/** Tag filters have one letter as their name: one free-form parameter to OpenAPI. */
export const tagParameter = {
  name: 'tags',
  in: 'query',
  style: 'form',
  explode: true,
  description:
    'tag filters, one letter each, once for every wanted value: e=<event id>, p=<pubkey>, t=<hashtag>; the # of NIP-01 may be added as %23',
  schema: {
    type: 'object',
    patternProperties: { '^#?[a-zA-Z]$': { type: 'array', items: { type: 'string' } } },
    additionalProperties: false,
  },
  example: { t: ['nostr'] },
} as const
