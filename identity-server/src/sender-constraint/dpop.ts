/** DPoP proofs (RFC 9449 section 4.3): whoever sends one has the key, now, for this request. */
import { createHash } from 'node:crypto'
import { type DpopProof, dpopAlgorithms, normalizeHttpUri, readDpopProof } from '@postern/protocol/dpop'
import { OAuthError } from '@postern/protocol/oauth-error'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import type { ReplayGuard } from '../replay/guard.ts'
import type { AuthServer } from '../tenancy/auth-servers.ts'
import type { DpopNonces } from './dpop-nonces.ts'

export interface ProvenRequest {
  method: string
  /** Without the query. */
  path: string
  /** The values of all DPoP headers. */
  proofs: readonly string[]
}

export interface DpopVerifier {
  /**
   * Verifies the proof of a request, and uses it up.
   * @param accessToken the one that the request carries, which the proof must name (section 7)
   * @param now ms since the epoch
   * @returns the thumbprint of the key (RFC 7638): the `jkt` of tokens that are bound to it
   * @throws OAuthError `invalid_dpop_proof`, `use_dpop_nonce`; StoreError where it cannot be known whether it was used
   */
  verify(authServer: AuthServer, request: ProvenRequest, now: number, accessToken?: string): Promise<string>
  /** What the next proof must hold, to be offered with each answer (section 8); undefined where none is asked for. */
  nonceFor(authServer: AuthServer, now: number): string | undefined
}

const acceptedForSeconds = 60
/** Clocks differ. A proof from further ahead was made to be used later. */
const clocksDifferSeconds = 5

/** @param origins under which clients reach this server; not what a request says its host is */
export function createDpopVerifier(
  origins: readonly string[],
  nonces: DpopNonces,
  replayGuard: ReplayGuard,
): DpopVerifier {
  const isFor = ({ htm, htu }: DpopProof['claims'], { method, path }: ProvenRequest) => {
    const uri = normalizeHttpUri(htu)
    return htm === method && uri !== undefined && origins.some((origin) => normalizeHttpUri(origin + path) === uri)
  }

  return {
    async verify(authServer, request, now, accessToken) {
      const { jwk, claims } = await genuineProof(request.proofs, now)
      if (!isFor(claims, request)) throw refusal('the proof is for another request')
      if (accessToken !== undefined && claims.ath !== hashOf(accessToken)) {
        throw refusal('the proof is for another access token')
      }
      if (authServer.settings.dpop_nonce_required && !nonces.accepts(authServer.id, claims.nonce ?? '', now)) {
        throw new OAuthError('use_dpop_nonce', 'the proof must hold the nonce in the DPoP-Nonce header')
      }
      const thumbprint = await calculateJwkThumbprint(jwk)
      // The second in which `iat` lies counts to its end.
      const expiresAt = (claims.iat + acceptedForSeconds + clocksDifferSeconds + 1) * 1_000
      const scope = { authServer: authServer.id, kind: 'dpop', owner: thumbprint } as const
      if (!(await replayGuard.firstUse(scope, claims.jti, expiresAt))) throw refusal('the proof was used before')
      return thumbprint
    },
    nonceFor: ({ id, settings }, now) => (settings.dpop_nonce_required ? nonces.current(id, now) : undefined),
  }
}

async function genuineProof([proof, another]: readonly string[], now: number): Promise<DpopProof> {
  if (proof === undefined) throw refusal('a DPoP proof is required')
  if (another !== undefined) throw refusal('there is more than one proof')
  const read = readDpopProof(proof)
  if (!read) throw refusal('the proof is malformed, or signed with an algorithm or key that is not accepted')
  try {
    await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...dpopAlgorithms],
      currentDate: new Date(now),
      maxTokenAge: acceptedForSeconds,
      clockTolerance: clocksDifferSeconds,
    })
  } catch (cause) {
    throw refusal('the signature of the proof is wrong, or its time', cause)
  }
  return read
}

/** The `ath` of a proof (section 4.2). */
function hashOf(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest('base64url')
}

function refusal(description: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_dpop_proof', description, { cause })
}
