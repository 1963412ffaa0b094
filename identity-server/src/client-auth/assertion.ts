/**
 * Proof by a signed assertion (RFC 7523 section 2.2), common to the methods that differ only in the key: the client's own
 * key pair, or its secret. An assertion is for this issuer alone, lives for minutes, and is used once.
 */
import { readUnverifiedJws } from '@postern/protocol/compact-jws'
import { OAuthError } from '@postern/protocol/oauth-error'
import { maxAssertionLength, verifyAssertion } from '../assertions/verify.ts'
import type { Client } from '../clients/clients.ts'
import type { Form } from '../form.ts'
import type { KeySource } from '../outgoing/key-source.ts'
import type { ReplayGuard } from '../replay/guard.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { Claimed, Credentials } from './method.ts'
import { refuseWithoutKeys } from './unavailable-keys.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** Seconds from now to the latest `exp`: as long as that, the assertion has to be remembered. */
const maxLifetime = 600
/** An explicit type is welcome, the usual one and none are tolerated; any other is a JWT made for something else. */
const types = [undefined, 'JWT', 'client-authentication+jwt']

/** How one of the methods verifies. */
export interface AssertionMethod {
  /** Whether assertions with this `alg` are this method's. */
  isFor(algorithm: string): boolean
  /** The keys that the client may have signed with; none where it has no such key. */
  keysOf(client: Client, authServer: AuthServer): readonly AssertionKey[]
}

export interface AssertionKey {
  keys: Pick<KeySource, 'verify'>
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
  const read = readUnverifiedJws(assertion, maxAssertionLength)
  if (!read || typeof read.payload.sub !== 'string') {
    throw new OAuthError('invalid_client', 'the client assertion is malformed')
  }
  if (typeof read.header.alg !== 'string' || !method.isFor(read.header.alg)) return undefined
  const { sub: clientId } = read.payload
  return {
    clientId,
    async proves(client, authServer) {
      for (const key of client ? method.keysOf(client, authServer) : []) {
        const expected = { issuer: clientId, subject: clientId, audiences: [authServer.issuer], alone: true }
        const claims = await verifyAssertion(assertion, { ...key, ...expected, types, maxLifetime }, now()).catch(
          refuseWithoutKeys,
        )
        if (!claims || !isIdentifier(claims.jti)) continue
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

function isIdentifier(jti: string | undefined): jti is string {
  return jti !== undefined && jti !== '' && jti.length <= 255
}
