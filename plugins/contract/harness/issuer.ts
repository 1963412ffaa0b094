/** An issuer for the cases: mints any token, good or bad, and is the token endpoint of the upstream's own token. */
import { createServer } from 'node:http'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { listen } from './listen.ts'

export const audience = 'https://orders.example'
export const requiredScope = 'orders:read'

/** What a case changes of a valid token; a claim set to undefined is left out. */
export interface TokenChanges {
  claims?: Record<string, unknown>
  /** Seconds from now. */
  expiresIn?: number
  type?: string
}

export interface TestIssuer {
  readonly url: string
  /** The token that the token endpoint gives for upstreams. */
  readonly upstreamToken: string
  /** A valid access token, but for the changes. */
  mint(changes?: TokenChanges): Promise<string>
  /** Signed by a key that the issuer never had. */
  mintForged(): Promise<string>
  /** `alg: none`, no signature. */
  mintUnsigned(): string
  /** HS256, with the issuer's public key as the secret. */
  mintWithPublicKeyAsSecret(): Promise<string>
  close(): Promise<void>
}

export async function startIssuer(): Promise<TestIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const forger = await generateKeyPair('ES256')
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] })
  const upstreamToken = await new SignJWT({ aud: 'upstream' })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
    .setExpirationTime('1h')
    .sign(privateKey)

  const server = createServer((request, response) => {
    request.resume()
    if (request.url === '/jwks') return void json(response, 200, jwks)
    if (request.url === '/token') {
      return void json(
        response,
        200,
        JSON.stringify({ access_token: upstreamToken, token_type: 'Bearer', expires_in: 3600 }),
      )
    }
    json(response, 500, '{"error":"server_error"}')
  })
  const { url, close } = await listen(server)

  const claimsOf = ({ claims = {}, expiresIn = 600 }: TokenChanges) => {
    const now = Math.floor(Date.now() / 1_000)
    const common = { iss: url, aud: audience, sub: 'alice', client_id: 'shop', scope: `${requiredScope} orders:write` }
    return { ...common, iat: now, exp: now + expiresIn, jti: crypto.randomUUID(), ...claims }
  }
  const sign = (changes: TokenChanges, key: typeof privateKey) =>
    new SignJWT(claimsOf(changes))
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: changes.type ?? 'at+jwt' })
      .sign(key)

  return {
    url,
    upstreamToken,
    mint: (changes = {}) => sign(changes, privateKey),
    mintForged: () => sign({}, forger.privateKey),
    mintUnsigned: () => `${segment({ alg: 'none', typ: 'at+jwt' })}.${segment(claimsOf({}))}.`,
    mintWithPublicKeyAsSecret: async () =>
      new SignJWT(claimsOf({}))
        .setProtectedHeader({ alg: 'HS256', kid: 'k1', typ: 'at+jwt' })
        .sign(new TextEncoder().encode(await exportSPKI(publicKey))),
    close,
  }
}

function segment(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function json(response: import('node:http').ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}
