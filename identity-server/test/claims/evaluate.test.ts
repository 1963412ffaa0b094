import { describe, expect, test } from 'vitest'
import type { ClaimDefinition, Placement } from '../../src/claims/claim.ts'
import { type ClaimSet, compileClaimSet } from '../../src/claims/claim-set.ts'
import { evaluateClaims } from '../../src/claims/evaluate.ts'
import { type AttributeSource, SourceError } from '../../src/claims/sources/source.ts'
import { context } from './context.ts'

const claim = (name: string, value: unknown, members: Partial<ClaimDefinition> = {}): ClaimDefinition => ({
  name,
  value,
  condition: null,
  placements: ['access_token'],
  optional: false,
  ...members,
})

/** A source that counts how often it is asked. */
function source(name: string, read: () => unknown, onFailure: AttributeSource['onFailure'] = 'fail') {
  const counted = { asked: 0 }
  const built: AttributeSource = {
    name,
    onFailure,
    variables: new Set(),
    read: () => {
      counted.asked += 1
      return read()
    },
  }
  return { ...counted, built, count: () => counted.asked }
}

const evaluateAt = (set: ClaimSet, place: Placement) => evaluateClaims(set.claims[place], set.sources, context)
const evaluate = (claims: ClaimDefinition[], ...sources: { built: AttributeSource }[]) =>
  evaluateAt(
    compileClaimSet(
      claims,
      sources.map(({ built }) => built),
    ),
    'access_token',
  )
const refusal = async (...args: Parameters<typeof evaluate>) =>
  Promise.resolve()
    .then(() => evaluate(...args))
    .then(
      (made) => made,
      (error) => error,
    )

describe('claims', () => {
  test('are made at once where nothing must be waited for', () => {
    const made = evaluate([claim('a', '${client.id}'), claim('b', { c: ['${size(scopes)}'] })])
    expect(made).toEqual({ claims: { a: 'billing', b: { c: [2] } }, omitted: [] })
  })

  test('appear where they are listed, and nowhere else', () => {
    const set = compileClaimSet(
      [
        claim('a', 1, { placements: ['access_token', 'introspection'] }),
        claim('b', 2, { placements: ['introspection'] }),
        claim('c', 3, { placements: ['userinfo', 'id_token'] }),
      ],
      [],
    )
    const at = (place: Placement) => evaluateAt(set, place)
    expect(at('access_token')).toEqual({ claims: { a: 1 }, omitted: [] })
    expect(at('introspection')).toEqual({ claims: { a: 1, b: 2 }, omitted: [] })
    expect(at('userinfo')).toEqual({ claims: { c: 3 }, omitted: [] })
    expect(at('id_token')).toEqual({ claims: { c: 3 }, omitted: [] })
  })

  test('are left out where their condition does not hold', () => {
    const made = evaluate([
      claim('yes', 1, { condition: '"read" in scopes' }),
      claim('no', '${subject_token.none}', { condition: 'grant == "password"' }),
    ])
    expect(made).toEqual({ claims: { yes: 1 }, omitted: [] })
  })

  test.each<[what: string, members: Partial<ClaimDefinition>]>([
    ['value fails', { value: '${subject_token.none}' }],
    ['condition fails', { condition: 'subject_token.none' }],
    ['condition is no boolean', { condition: 'subject_token.level' }],
  ])('whose %s refuse everything, or are left out where they are optional', async (_what, members) => {
    const failing = claim('bad', 1, members)
    expect(await refusal([claim('good', 1), failing])).toMatchObject({
      name: 'ClaimError',
      claim: 'bad',
      temporary: false,
    })
    expect(await refusal([claim('good', 1), { ...failing, optional: true }])).toEqual({
      claims: { good: 1 },
      omitted: [{ name: 'bad', reason: expect.stringMatching(/^(no_such_key|not_boolean)/) }],
    })
  })

  test('that do not compile refuse everything, even where they are optional', async () => {
    const broken = claim('bad', '${nobody}', { optional: true })
    expect(await refusal([claim('good', 1), broken])).toMatchObject({ claim: 'bad' })
  })

  test('have one budget and one size together', async () => {
    const half = claim('half', '${scopes.map(s, "x".split("")).size()}')
    expect(await refusal([half])).toMatchObject({ claims: { half: 2 } })
    const large = (name: string) => claim(name, 'x'.repeat(9_000))
    expect(await refusal([large('a')])).toMatchObject({ omitted: [] })
    expect(await refusal([large('a'), large('b')])).toMatchObject({
      claim: 'b',
      message: expect.stringContaining('too_large'),
    })
  })

  test('an error that is thrown on holds no data', async () => {
    const failing = claim('bad', '${bool(subject_token.address.city)}')
    expect(String((await refusal([failing])).message)).not.toContain('Oslo')
  })
})

describe('attributes', () => {
  const plan = () => source('plan', () => ({ tier: 'gold' }))

  test('are asked for once, and only where an applicable claim names them', async () => {
    const [used, unused] = [plan(), source('unused', () => 1)]
    const made = await evaluate(
      [
        claim('tier', '${attributes.plan.tier}', { condition: 'attributes.plan.tier != "none"' }),
        claim('again', 'tier ${attributes.plan.tier}'),
        claim('never', '${attributes.unused}', { condition: 'false' }),
      ],
      used,
      unused,
    )
    expect(made.claims).toEqual({ tier: 'gold', again: 'tier gold' })
    expect([used.count(), unused.count()]).toEqual([1, 0])
  })

  test('are waited for, all at the same time', async () => {
    const waiting = [Promise.withResolvers<unknown>(), Promise.withResolvers<unknown>()]
    const sources = ['a', 'b'].map((name, index) => source(name, () => waiting[index]?.promise))
    const making = evaluate([claim('x', '${attributes.a}'), claim('y', '${attributes.b}')], ...sources)
    expect(making).toBeInstanceOf(Promise)
    expect(sources.map((each) => each.count())).toEqual([1, 1])
    waiting[1]?.resolve(2)
    waiting[0]?.resolve(1)
    expect((await making).claims).toEqual({ x: 1, y: 2 })
  })

  describe.each<[how: string, read: () => unknown]>([
    [
      'at once',
      () => {
        throw new SourceError('timeout')
      },
    ],
    ['later', () => Promise.reject(new SourceError('timeout'))],
  ])('that cannot be had (%s)', (_how, read) => {
    test('refuse what needs them, optional or not', async () => {
      for (const optional of [true, false]) {
        const claims = [claim('tier', '${attributes.plan.tier}', { optional })]
        expect(await refusal(claims, source('plan', read))).toMatchObject({
          claim: 'tier',
          temporary: true,
          message: expect.stringContaining('timeout'),
        })
      }
    })

    test('do not matter to what does not need them', async () => {
      const claims = [claim('a', 1), claim('tier', '${attributes.plan.tier}', { condition: 'false' })]
      expect(await refusal(claims, source('plan', read))).toMatchObject({ claims: { a: 1 } })
    })

    test('are null where the source may be omitted', async () => {
      const omit = source('plan', read, 'omit')
      const claims = [
        claim('known', '${attributes.plan != null}'),
        claim('usual', '${attributes.plan.?tier.orValue("free")}'),
        claim('tier', '${attributes.plan.tier}', { optional: true }),
      ]
      expect(await refusal(claims, omit)).toMatchObject({
        claims: { known: false, usual: 'free' },
        omitted: [{ name: 'tier' }],
      })
      expect(await refusal([claim('tier', '${attributes.plan.tier}')], omit)).toMatchObject({
        claim: 'tier',
        temporary: false,
      })
    })
  })

  test('an error that is none of ours is not swallowed', async () => {
    const broken = source(
      'plan',
      () => {
        throw new TypeError('a bug')
      },
      'omit',
    )
    expect(await refusal([claim('x', '${attributes.plan}')], broken)).toBeInstanceOf(TypeError)
  })
})
