import { describe, expect, test } from 'vitest'
import { type Actor, maxActors, mayAct, parseActor } from '../src/actor.ts'

const chain = (length: number): Actor => (length === 1 ? { sub: 'a' } : { sub: 'a', act: chain(length - 1) })

describe('act claims', () => {
  test('name one who acts, and those before', () => {
    expect(parseActor({ sub: 'a', iss: 'i', client_id: 'c' })).toEqual({ sub: 'a', iss: 'i', client_id: 'c' })
    expect(parseActor(chain(maxActors))).toEqual(chain(maxActors))
  })

  test.each([
    ['nothing', undefined],
    ['text', 'a'],
    ['nobody', {}],
    ['an empty subject', { sub: '' }],
    ['a subject that is no text', { sub: 1 }],
    ['an actor before who is nobody', { sub: 'a', act: {} }],
    ['an array', [{ sub: 'a' }]],
    ['more than are followed', chain(maxActors + 1)],
    ['very many', chain(5_000)],
  ])('are refused: %s', (_, value) => expect(parseActor(value)).toBeUndefined())
})

describe('may_act claims', () => {
  const actor = { sub: 'a', iss: 'i', client_id: 'c' }
  test('allow whom they name, by each member that they have', () => {
    expect(mayAct({ sub: 'a' }, actor)).toBe(true)
    expect(mayAct({ client_id: 'c' }, actor)).toBe(true)
    expect(mayAct({ sub: 'a', iss: 'i', client_id: 'c' }, actor)).toBe(true)
  })

  test.each([
    ['somebody else', { sub: 'b' }],
    ['the same subject of another issuer', { sub: 'a', iss: 'j' }],
    ['another client', { sub: 'a', client_id: 'd' }],
    ['nobody', {}],
    ['a member that is not understood', { sub: 'a', group: 'x' }],
    ['text', 'a'],
    ['nothing', null],
    ['a list', [{ sub: 'a' }]],
    ['a subject that is no text', { sub: ['a'] }],
  ])('do not allow %s', (_, claim) => expect(mayAct(claim, actor)).toBe(false))

  test('do not take an issuer that is missing for any', () => {
    expect(mayAct({ sub: 'a', iss: 'i' }, { sub: 'a' })).toBe(false)
  })
})
