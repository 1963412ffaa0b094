/** The configuration file: one schema, of the sections in `schema/`, is the source of types, validation and JSON Schema. */
import Type, { type Static } from 'typebox'
import { Cache } from './schema/cache.ts'
import { Drain } from './schema/drain.ts'
import { Issuer } from './schema/issuer.ts'
import { Admin, Listen } from './schema/listen.ts'
import { Log } from './schema/log.ts'
import { named, object } from './schema/parts.ts'
import { Policy } from './schema/policy.ts'
import { Redis } from './schema/redis.ts'
import { Upstream } from './schema/upstream.ts'

export const Config = object({
  listen: Listen,
  admin: Admin,
  issuers: named(Issuer, 'Trusted issuers by name'),
  upstreams: { ...named(Upstream, 'Upstreams by name'), default: {} },
  policies: named(Policy, 'Policies by name'),
  cache: Cache,
  redis: Type.Optional(Redis),
  log: Log,
  drain: Drain,
})
export type Config = Static<typeof Config>
