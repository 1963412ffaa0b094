/** An introspection response (RFC 7662 section 2.2), signed or not. */
import type { Claims } from '../jwt/issuer-jwt.ts'

export interface IntrospectionResponse extends Claims {
  readonly active: boolean
}

export function isIntrospectionResponse(value: unknown): value is IntrospectionResponse {
  return typeof value === 'object' && value !== null && 'active' in value && typeof value.active === 'boolean'
}
