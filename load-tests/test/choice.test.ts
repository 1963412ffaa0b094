import { expect, test } from 'vitest'
import { choose } from '../src/choice.ts'
import { figures } from '../src/figures/list.ts'
import { scenarios } from '../src/scenarios/list.ts'

const namesOf = (things: readonly { name: string }[]) => things.map(({ name }) => name)

test('chooses everything where nothing is named', () => {
  expect(choose(undefined)).toEqual({ scenarios, figures })
})

test('a scenario comes with those that it is compared with, and these before it', () => {
  expect(namesOf(choose(['cached-decision']).scenarios)).toEqual(['empty-route', 'cached-decision'])
  const { scenarios: chosen } = choose(['introspection'])
  expect(namesOf(chosen)).toEqual(['oidc-provider-introspection', 'introspection'])
})

test('a figure needs no scenario', () => {
  const chosen = choose(['secret-verification'])
  expect(chosen.scenarios).toEqual([])
  expect(namesOf(chosen.figures)).toEqual(['secret-verification'])
})

test('refuses what it does not know', () => {
  expect(() => choose(['token-issuance', 'everything'])).toThrow('everything')
})
