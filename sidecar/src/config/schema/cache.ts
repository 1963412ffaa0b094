import Type, { type Static } from 'typebox'
import { seconds, section } from './parts.ts'

export const Cache = section(
  {
    max_entries: Type.Integer({ default: 50_000, minimum: 1, maximum: 10_000_000, description: 'Of each policy' }),
    max_bytes: Type.Integer({
      default: 128 * 1024 * 1024,
      minimum: 65_536,
      description: 'Of each policy, an eighth of it for refusals',
    }),
    max_age: seconds(300, 1, 86_400, 'Longest time for which a positive result is used again'),
    negative_max_entries: Type.Integer({
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      description: 'Of each policy',
    }),
    negative_max_age: seconds(5, 0, 300, 'Longest time for which a refusal is used again'),
  },
  'Results that are kept in memory',
)
export type CacheConfig = Static<typeof Cache>
