/** Which tokens let a request pass. */
import { expect } from 'vitest'
import type { Case } from './case.ts'
import { bearer, challenged, passed } from './expectations.ts'

const refused = (
  name: string,
  expected: { status: 401 | 403; error: string | undefined },
  request: Case['request'],
): Case => ({ name, request, verify: (outcome) => challenged(outcome, expected.status, expected.error) })

/** By the sidecar, or already by the gateway's own reading of HTTP. */
const refusedAsMalformed = (name: string, request: Case['request']): Case => ({
  name,
  request,
  verify(outcome) {
    expect(outcome.seen).toEqual([])
    if (outcome.answer.status === 400) return
    // Where the gateway joins the two, the first one's scheme is that of both: no Bearer token then.
    const joined = !/error=/.test(outcome.answer.headers['www-authenticate'] ?? '')
    challenged(outcome, 401, joined ? undefined : 'invalid_request')
  },
})

const invalidToken = { status: 401, error: 'invalid_token' } as const
const invalidRequest = { status: 401, error: 'invalid_request' } as const
const noError = { status: 401, error: undefined } as const

export const tokenCases: readonly Case[] = [
  {
    name: 'a valid token lets the request pass',
    request: async (issuer) => ({ fields: [await bearer(issuer)] }),
    verify: (outcome) => void passed(outcome),
  },
  {
    name: 'the scheme is not case-sensitive',
    request: async (issuer) => ({ fields: [['authorization', `bEARER ${await issuer.mint()}`]] }),
    verify: (outcome) => void passed(outcome),
  },
  refused('no token: a challenge without an error code', noError, () => ({})),
  refused('another scheme: a challenge without an error code', noError, () => ({
    fields: [['Authorization', 'Basic YTpi']],
  })),
  ...['OPTIONS', 'PUT'].map((method) =>
    refused(`no token with ${method} is no exception`, noError, () => ({
      method,
      ...(method === 'PUT' && { body: 'x' }),
    })),
  ),
  {
    name: 'no token with HEAD is no exception',
    request: () => ({ method: 'HEAD' }),
    verify({ answer, seen }) {
      expect(seen).toEqual([])
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="[^"]+"$/)
    },
  },
  refused('no token in an upgrade is no exception', noError, () => ({
    fields: [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ],
  })),
  refused('a token in the query or a cookie does not count', noError, async (issuer) => {
    const token = await issuer.mint()
    return { target: `/?access_token=${token}`, fields: [['Cookie', `access_token=${token}`]] }
  }),
  refused('the wrong audience', invalidToken, async (issuer) => ({
    fields: [await bearer(issuer, { claims: { aud: 'https://elsewhere.example' } })],
  })),
  refused('the wrong issuer', invalidToken, async (issuer) => ({
    fields: [await bearer(issuer, { claims: { iss: `${issuer.url}/` } })],
  })),
  refused('an expired token', invalidToken, async (issuer) => ({ fields: [await bearer(issuer, { expiresIn: -10 })] })),
  refused('another type of JWT', invalidToken, async (issuer) => ({ fields: [await bearer(issuer, { type: 'JWT' })] })),
  refused('a forged signature', invalidToken, async (issuer) => ({
    fields: [['Authorization', `Bearer ${await issuer.mintForged()}`]],
  })),
  refused('alg none', invalidToken, (issuer) => ({ fields: [['Authorization', `Bearer ${issuer.mintUnsigned()}`]] })),
  refused('HS256 with the public key as secret', invalidToken, async (issuer) => ({
    fields: [['Authorization', `Bearer ${await issuer.mintWithPublicKeyAsSecret()}`]],
  })),
  refused('an opaque token that nobody can be asked about', invalidToken, () => ({
    fields: [['Authorization', 'Bearer opaque']],
  })),
  refused('insufficient scope', { status: 403, error: 'insufficient_scope' }, async (issuer) => ({
    fields: [await bearer(issuer, { claims: { scope: 'orders:write' } })],
  })),
  refused('Bearer without a token', invalidRequest, () => ({ fields: [['Authorization', 'Bearer ']] })),
  refused('a token with a blank in it', invalidRequest, async (issuer) => ({
    fields: [['Authorization', `Bearer ${await issuer.mint()} x`]],
  })),
  refusedAsMalformed('two Authorization headers, the first one valid', async (issuer) => ({
    fields: [await bearer(issuer), ['Authorization', 'Bearer other']],
  })),
  refusedAsMalformed('two Authorization headers, the second one valid', async (issuer) => ({
    fields: [['authorization', 'Basic YTpi'], await bearer(issuer)],
  })),
]
