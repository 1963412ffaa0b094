import { describe, expect, test } from 'vitest'
import { createDependency } from '../../src/remote/dependency.ts'
import type { HttpRequest } from '../../src/remote/http-client.ts'
import { createMetadata } from '../../src/remote/metadata.ts'

describe('the metadata of an issuer', () => {
  test.each([
    ['https://issuer.example', 'https://issuer.example/.well-known/openid-configuration'],
    ['https://issuer.example/tenant', 'https://issuer.example/tenant/.well-known/openid-configuration'],
    ['https://issuer.example/', 'https://issuer.example/.well-known/openid-configuration'],
    ['https://issuer.example/tenant/', 'https://issuer.example/tenant/.well-known/openid-configuration'],
  ])('of %s is at %s', async (issuer, expected) => {
    const sent: HttpRequest[] = []
    const dependency = createDependency('metadata')
    const http = {
      async send(request: HttpRequest) {
        sent.push(request)
        return { status: 200, json: { issuer, jwks_uri: 'https://issuer.example/jwks' } }
      },
      close: async () => undefined,
    }
    const find = createMetadata({ issuer, timeoutMs: 100, http, dependency, now: Date.now })
    expect(await find('jwks_uri')).toBe('https://issuer.example/jwks')
    expect(sent.map(({ url }) => url)).toEqual([expected])
    dependency.close()
  })
})
