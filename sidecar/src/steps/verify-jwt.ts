/** Verification of JWT access tokens (RFC 9068 section 4) with the issuer's keys. */
import { errors, type JWTPayload, jwtVerify } from 'jose'
import { Refusal } from '../failures.ts'
import type { FindKey } from '../remote/jwks.ts'
import type { Authenticate } from './identity.ts'
import { revocableClaims } from './revocation.ts'

export interface VerifyJwtOptions {
  /** Name of the issuer in the configuration. */
  name: string
  issuer: string
  audience: readonly string[]
  algorithms: readonly string[]
  /** Seconds, for `iat` and `nbf`. */
  leeway: number
  /** Whether the issuer's revocations are subscribed to, so that tokens must be revocable. */
  revocable: boolean
  findKey: FindKey
  /** ms since the epoch */
  now: () => number
}

export function createVerifyJwt(options: VerifyJwtOptions): Authenticate {
  const { name, leeway, findKey, now } = options
  const checks = {
    issuer: options.issuer,
    audience: [...options.audience],
    algorithms: [...options.algorithms],
    clockTolerance: leeway,
    typ: 'at+jwt',
    requiredClaims: ['exp', 'iat', 'sub', 'client_id', ...(options.revocable ? ['jti'] : [])],
  }
  return async (token) => {
    const time = now()
    const { payload, protectedHeader } = await jwtVerify(token, findKey, {
      ...checks,
      currentDate: new Date(time),
    }).catch(refuse)
    const { exp = 0, iat = 0 } = payload
    if (iat > time / 1_000 + leeway) throw new Refusal('invalid_token', 'the token was issued in the future', true)
    if (!isText(payload.sub) || !isText(payload.client_id)) {
      throw new Refusal('invalid_token', 'a claim of the token is malformed')
    }
    // The library stretches the expiry by the leeway; a policy does not look past this.
    const expiresAt = exp * 1_000
    const revocable = options.revocable ? revocableClaims(payload, protectedHeader.kid ?? '') : undefined
    return { issuer: name, claims: payload, revocable, expiresAt, holdsUntil: expiresAt }
  }
}

/** From the library's errors to refusals; their own messages may quote the token. */
function refuse(error: unknown): never {
  if (error instanceof errors.JWTExpired) throw new Refusal('invalid_token', 'the token has expired')
  if (error instanceof errors.JWTClaimValidationFailed) {
    // "nbf" of a token that is not valid yet passes; the other claims stay as they are.
    throw new Refusal('invalid_token', `the claim ${error.claim} of the token is not accepted`, error.claim === 'nbf')
  }
  if (error instanceof errors.JOSEError) throw new Refusal('invalid_token', 'the token cannot be verified')
  throw error
}

function isText(value: JWTPayload[string]): value is string {
  return typeof value === 'string' && value !== ''
}
