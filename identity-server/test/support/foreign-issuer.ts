/** An issuer of somebody else, with its own key: trusted by a tenant as far as a test says. */
import { randomUUID } from 'node:crypto'
import { newClientKey, type SigningClientKey, signClaims } from './assertions.ts'
import type { TestServer } from './server.ts'
import { create, type Tenant } from './tenant.ts'

export interface ForeignIssuer {
  issuer: string
  key: SigningClientKey
  /** The id of the trust in it. */
  id: string
  /** A JWT for the tenant's auth server, with other or further claims; undefined ones are left out. */
  sign(claims?: Readonly<Record<string, unknown>>, header?: Readonly<Record<string, unknown>>): Promise<string>
}

export async function createForeignIssuer(
  server: Pick<TestServer, 'admin' | 'now'>,
  tenant: Tenant,
  members: Readonly<Record<string, unknown>> = {},
): Promise<ForeignIssuer> {
  const issuer = `https://idp-${randomUUID()}.example`
  const key = await newClientKey('ES256')
  const trust = await create(server, `/auth-servers/${tenant.id}/trusted-issuers`, {
    name: 'Partner',
    issuer,
    jwks: { keys: [key.publicJwk] },
    trusted_for: ['assertions', 'subject_tokens'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the claims engine
    subject: 'partner:${subject_token.sub}',
    scopes: ['read', 'write'],
    ...members,
  })
  return {
    issuer,
    key,
    id: String(trust.id),
    sign(claims = {}, header = {}) {
      const iat = Math.floor(server.now() / 1_000)
      const usual = { iss: issuer, sub: 'alice', aud: tenant.issuer, jti: randomUUID(), iat, exp: iat + 300 }
      return signClaims({ ...usual, ...claims }, key.privateKey, {
        alg: 'ES256',
        kid: String(key.publicJwk.kid),
        ...header,
      })
    },
  }
}
