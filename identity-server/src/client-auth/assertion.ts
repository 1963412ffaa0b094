/**
 * Proof by a signed assertion (RFC 7523 section 2.2), common to the methods that differ only in the key: the client's own
 * key pair, or its secret. An assertion is for this issuer alone, lives for minutes, and is used once.
 */
import { readUnverifiedJws } from '@postern/protocol/compact-jws'
import { OAuthError } from '@postern/protocol/oauth-error'
import { errors, jwtVerify } from 'jose'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Client } from '../clients/clients.ts'
import type { Form } from '../form.ts'
import { OutgoingError } from '../outgoing/error.ts'
import type { KeySource } from '../outgoing/key-source.ts'
import type { ReplayGuard } from '../replay/guard.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { Claimed, Credentials } from './method.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const maxLength = 8_192
/** Seconds from now to the latest `exp`: as long as that, the assertion has to be remembered. */
const maxLifetime = 600
/** Seconds that the client's clock may be ahead. */
const leeway = 30
/** An explicit type is welcome, the usual one and none are tolerated; any other is a JWT made for something else. */
const types = [undefined, 'JWT', 'client-authentication+jwt']

const Claims = Type.Object({
  /** The issuer identifier alone: whoever else is named could use the assertion here, and we there. */
  aud: Type.Union([Type.String(), Type.Tuple([Type.String()])]),
  exp: Type.Number(),
  iat: Type.Optional(Type.Number()),
  jti: Type.String({ minLength: 1, maxLength: 255 }),
})
const assertionClaims = Compile(Claims)

/** How one of the methods verifies. */
export interface AssertionMethod {
  /** Whether assertions with this `alg` are this method's. */
  isFor(algorithm: string): boolean
  /** The keys that the client may have signed with; none where it has no such key. */
  keysOf(client: Client, authServer: AuthServer): readonly AssertionKey[]
}

export interface AssertionKey {
  keys: KeySource
  /** Those that the client may use with it. */
  algorithms: readonly string[]
  /** Told where an assertion was signed with it. */
  used?(): void
}

/** Reads the assertion of a request where it belongs to the method. @throws OAuthError `invalid_request`, `invalid_client` */
export function readAssertion(
  { form }: Pick<Credentials, 'form'>,
  method: AssertionMethod,
  replay: ReplayGuard,
  now: () => number,
): Claimed | undefined {
  const assertion = assertionIn(form)
  if (assertion === undefined) return undefined
  const read = readUnverifiedJws(assertion, maxLength)
  if (!read || typeof read.payload.sub !== 'string') {
    throw new OAuthError('invalid_client', 'the client assertion is malformed')
  }
  if (typeof read.header.alg !== 'string' || !method.isFor(read.header.alg)) return undefined
  const { sub: clientId } = read.payload
  return {
    clientId,
    async proves(client, authServer) {
      for (const key of client ? method.keysOf(client, authServer) : []) {
        const claims = await verify(assertion, clientId, authServer.issuer, key, now())
        if (!claims) continue
        key.used?.()
        const scope = { authServer: authServer.id, kind: 'client_assertion' as const, owner: clientId }
        return replay.firstUse(scope, claims.jti, claims.exp * 1_000)
      }
      return false
    },
  }
}

function assertionIn(form: Form): string | undefined {
  const [assertion, type] = [form.get('client_assertion'), form.get('client_assertion_type')]
  if (assertion === undefined && type === undefined) return undefined
  if (assertion === undefined || type === undefined) {
    throw new OAuthError('invalid_request', 'client_assertion and client_assertion_type belong together')
  }
  if (type !== assertionType) throw new OAuthError('invalid_client', 'the type of the client assertion is unknown')
  return assertion
}

/** The claims of a genuine, timely assertion of the client for this issuer; undefined where it is none. */
async function verify(
  assertion: string,
  clientId: string,
  issuer: string,
  { keys, algorithms }: AssertionKey,
  now: number,
): Promise<Static<typeof Claims> | undefined> {
  const options = {
    algorithms: [...algorithms],
    audience: issuer,
    issuer: clientId,
    subject: clientId,
    clockTolerance: leeway,
    currentDate: new Date(now),
  }
  const verified = await keys
    .verify((getKey) => jwtVerify(assertion, getKey, options))
    .catch((error: unknown) => {
      if (error instanceof errors.JOSEError) return undefined
      if (!(error instanceof OutgoingError)) throw error
      // Not the client's fault, perhaps, and over soon; whether it was genuine is not known.
      throw new OAuthError('temporarily_unavailable', 'the keys of the client cannot be had', { cause: error })
    })
  const claims: unknown = verified?.payload
  if (!verified || !assertionClaims.Check(claims) || !types.includes(verified.protectedHeader.typ)) return undefined
  // The leeway is for clocks that are ahead. It never stretches an expiry (docs/decisions/0009).
  const seconds = now / 1_000
  const timely = claims.exp > seconds && claims.exp <= seconds + maxLifetime && (claims.iat ?? 0) <= seconds + leeway
  return timely ? claims : undefined
}
