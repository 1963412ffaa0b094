/**
 * An issuer whose key is here: it makes tokens faster than any server could, and counts who asks it. The real one is in
 * the other scenarios.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface KnownIssuer {
  readonly url: string
  readonly audience: string
  /** Introspection requests that it has answered. */
  introspections(): number
  /** A new access token (RFC 9068). */
  mint(): string
  stop(): Promise<void>
}

const audience = 'load'
/** How long introspection takes: long enough that all who ask at once ask while it is under way. */
const introspectionMs = 200

export async function startKnownIssuer(): Promise<KnownIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] }
  const header = encode({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })
  let introspections = 0
  let minted = 0

  const answers: Record<string, () => unknown> = {
    '/.well-known/openid-configuration': () => ({
      issuer: url,
      jwks_uri: `${url}/jwks`,
      introspection_endpoint: `${url}/introspect`,
    }),
    '/jwks': () => jwks,
    '/introspect': async () => {
      introspections += 1
      await delay(introspectionMs)
      return { active: true, client_id: 'load', sub: 'load', aud: audience, exp: seconds() + 600 }
    },
  }
  const handle = async ({ url: path = '' }: IncomingMessage, response: ServerResponse) => {
    const json = await answers[path]?.()
    response.writeHead(json ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  }
  const server = createServer((request, response) => {
    request.resume()
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the issuer has no port')
  const url = `http://127.0.0.1:${address.port}`

  return {
    url,
    audience,
    introspections: () => introspections,
    mint() {
      const iat = seconds()
      const claims = {
        iss: url,
        sub: 'load',
        aud: audience,
        client_id: 'load',
        scope: 'read write',
        iat,
        exp: iat + 3_600,
      }
      const input = `${header}.${encode({ ...claims, jti: `token-${++minted}` })}`
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${input}.${signature.toString('base64url')}`
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1_000)
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
