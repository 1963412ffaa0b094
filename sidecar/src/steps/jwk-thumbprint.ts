/** The thumbprint of a public key (RFC 7638): SHA-256 of the members that make the key, in the order of the alphabet. */
import { sha256 } from '../remote/sha256.ts'

type Members = Readonly<Partial<Record<'kty' | 'crv' | 'x' | 'y' | 'e' | 'n', string | undefined>>>

export function jwkThumbprint(key: Members): string {
  return sha256(JSON.stringify(membersOf(key)))
}

/** RFC 7638 section 3.2, RFC 8037 section 2. Others that a key may have beside them do not count. */
function membersOf({ kty, crv, x, y, e, n }: Members): Members {
  if (kty === 'RSA') return { e, kty, n }
  return kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }
}
