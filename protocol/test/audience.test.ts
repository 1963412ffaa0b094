import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { audienceMatches, parseAudience } from '../src/audience.ts'

describe('audienceMatches', () => {
  test.each<[what: string, value: unknown, expected: boolean]>([
    ['one of ours', 'api', true],
    ['one of ours among others', ['other', 'api'], true],
    ['others', ['other'], false],
    ['one that begins like ours', 'api2', false],
    ['one in another case', 'API', false],
    ['none', [], false],
    ['nothing', undefined, false],
    ['an object', { api: true }, false],
    ['a list with something else in it', ['api', 1], false],
    ['a list in a list', [['api']], false],
  ])('%s: %j', (_what, value, expected) => {
    expect(audienceMatches(value, ['api', 'api-v2'])).toBe(expected)
  })

  test('never matches without accepted audiences', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(audienceMatches(value, [])).toBe(false)
      }),
    )
  })
})

describe('parseAudience', () => {
  test('takes anything, and yields nothing but text', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(parseAudience(value)?.every((audience) => typeof audience === 'string') ?? true).toBe(true)
      }),
    )
  })

  test('reads one audience and a list of one alike', () => {
    fc.assert(
      fc.property(fc.string(), (audience) => {
        expect(parseAudience(audience)).toEqual(parseAudience([audience]))
      }),
    )
  })
})
