/** What a token endpoint answers (RFC 6749 sections 5.1 and 5.2), believed only as far as it can be used. */
import { parseBearer } from '@postern/protocol/bearer'
import { oauthErrorCodes } from '@postern/protocol/oauth-error'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { HttpAnswer } from '../calls/http-client.ts'
import type { DpopKey } from '../signing/dpop-key.ts'

export interface FetchedToken {
  accessToken: string
  /** How it is presented. */
  scheme: 'Bearer' | 'DPoP'
  /** Without whose proofs it is worth nothing; undefined for a Bearer token. */
  boundTo?: DpopKey | undefined
  /** Seconds. */
  expiresIn: number
  /** The next one, where the issuer gives one. */
  refreshToken: string | undefined
}

/** `unusable` is an answer of a server that is out of order; `refused` is one of a server that is well. */
export type TokenResponse =
  | { token: FetchedToken }
  | { refused: string; code: string | undefined }
  | { unusable: string }

const tokenResponse = Compile(
  Type.Object({
    access_token: Type.String({ minLength: 1, maxLength: 16_384 }),
    token_type: Type.String(),
    expires_in: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    refresh_token: Type.Optional(Type.String({ minLength: 1, maxLength: 16_384 })),
  }),
)
const errorResponse = Compile(Type.Object({ error: Type.String() }))

const tooManyRequests = 429
/** A token whose lifetime is not told is asked for anew soon. */
const assumedLifetime = 60
/** A lifetime of years is no reason to use a token for years. */
const longestLifetime = 86_400

/** @param dpop our key that the token was to be bound to */
export function readTokenResponse({ status, json }: HttpAnswer, dpop: DpopKey | undefined): TokenResponse {
  const isRefusal = status >= 400 && status < 500 && status !== tooManyRequests
  if (isRefusal && errorResponse.Check(json)) return refusal(status, json.error)
  if (status !== 200 || !tokenResponse.Check(json)) return { unusable: `status ${status}, or no token response` }
  const scheme = schemeOf(json.token_type, dpop !== undefined)
  // What is passed on in a header must be a token, or it could break out of it.
  if (!scheme || typeof parseBearer(`Bearer ${json.access_token}`) !== 'object') {
    return { unusable: `the token is no ${dpop ? 'DPoP or ' : ''}Bearer token` }
  }
  const expiresIn = Math.min(json.expires_in ?? assumedLifetime, longestLifetime)
  const boundTo = scheme === 'DPoP' ? dpop : undefined
  return { token: { accessToken: json.access_token, scheme, boundTo, expiresIn, refreshToken: json.refresh_token } }
}

/** The log gets codes that are known: others, and descriptions, may repeat what was sent. */
function refusal(status: number, code: string): TokenResponse {
  const known = Object.hasOwn(oauthErrorCodes, code)
  return { refused: `refused with ${known ? code : 'an unknown code'} (${status})`, code: known ? code : undefined }
}

function schemeOf(tokenType: string, dpop: boolean): FetchedToken['scheme'] | undefined {
  const type = tokenType.toLowerCase()
  if (type === 'bearer') return 'Bearer'
  return type === 'dpop' && dpop ? 'DPoP' : undefined
}
