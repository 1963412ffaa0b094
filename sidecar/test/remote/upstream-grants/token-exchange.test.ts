import { describe, expect, test } from 'vitest'
import { type TokenExchangeOptions, tokenExchange } from '../../../src/remote/upstream-grants/token-exchange.ts'

const caller = (token: string) => ({ token, claims: {}, expiresAt: 5_000 })
const exchange = (options: Partial<TokenExchangeOptions> = {}) =>
  tokenExchange({
    subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
    requestedTokenType: undefined,
    actorTokens: undefined,
    maxCallers: 10,
    ...options,
  })

describe('a token exchange', () => {
  test('is on the word of the caller’s token, and of nobody else', async () => {
    const question = exchange().askFor(caller('alice'))
    expect(await question.parameters()).toEqual([
      ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      ['subject_token', 'alice'],
      ['subject_token_type', 'urn:ietf:params:oauth:token-type:jwt'],
    ])
    expect(question.notAfter).toBe(5_000)
    expect(question.key).not.toContain('alice')
    expect(question.key).toBe(exchange().askFor(caller('alice')).key)
    expect(question.key).not.toBe(exchange().askFor(caller('bob')).key)
    question.refused?.()
  })

  test('may want another type, and tell who acts, whose token is doubted where it is refused', async () => {
    let doubts = 0
    const actorTokens = {
      get: async () =>
        ({ accessToken: 'actor', scheme: 'Bearer', boundTo: undefined, headerValue: '', expiresAt: 1 }) as const,
      doubt: () => {
        doubts += 1
      },
    }
    const requestedTokenType = 'urn:ietf:params:oauth:token-type:access_token'
    const question = exchange({ requestedTokenType, actorTokens }).askFor(caller('alice'))
    expect(Object.fromEntries(await question.parameters())).toMatchObject({
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      actor_token: 'actor',
      actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
    expect(doubts).toBe(0)
    question.refused?.()
    expect(doubts).toBe(1)
  })
})
