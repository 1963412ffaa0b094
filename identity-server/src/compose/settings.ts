/** What the environment says of single parts, in their words. */
import { ConfigError, type Environment } from '../config.ts'
import type { TrustedProxies } from '../http/certificate.ts'
import type { Retention } from '../jobs/forget.ts'
import { parseNetworks } from '../networks.ts'

/** @throws ConfigError where it is not set, and cannot be told from the port */
export function publicOriginOf({ POSTERN_PUBLIC_ORIGIN, POSTERN_HOST, POSTERN_PORT }: Environment): string {
  if (POSTERN_PUBLIC_ORIGIN !== undefined) return POSTERN_PUBLIC_ORIGIN
  if (POSTERN_PORT === 0) throw new ConfigError('POSTERN_PUBLIC_ORIGIN is required where POSTERN_PORT is 0')
  return `http://${POSTERN_HOST.includes(':') ? `[${POSTERN_HOST}]` : POSTERN_HOST}:${POSTERN_PORT}`
}

export function trustedProxies(environment: Environment): TrustedProxies | undefined {
  const { POSTERN_TRUSTED_PROXIES: text, POSTERN_TRUSTED_PROXIES_VERIFY: verify } = environment
  const networks = text === undefined ? undefined : parseNetworks(text)
  return networks && { networks, verify }
}

export function retentionOf({ POSTERN_EVENT_RETENTION_DAYS, POSTERN_AUDIT_RETENTION_DAYS }: Environment): Retention {
  return { eventDays: POSTERN_EVENT_RETENTION_DAYS, auditDays: POSTERN_AUDIT_RETENTION_DAYS }
}
