import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { createBursts } from '../../src/bursts.ts'
import { createParts } from '../../src/compose/parts.ts'
import type { Common, Toolkit } from '../../src/compose/toolkit.ts'
import { DependencyError } from '../../src/failures.ts'
import { createLimitedLog } from '../../src/limited-log.ts'
import { createTimer } from '../../src/timing.ts'

const http = { send: () => Promise.reject(new Error('nothing is sent')), close: async () => undefined }

function createBench() {
  const closed: string[] = []
  const parts = createParts({
    http,
    logger: pino({ level: 'silent' }),
    now: Date.now,
    changingSecret: () => {
      throw new Error('there is none')
    },
    observeCall: () => undefined,
    burst: createBursts(),
    timerOf: () => createTimer(() => undefined),
    limitedLog: createLimitedLog(Date.now),
  })
  const common = { shared: undefined, replayGuard: { use: async () => true } }
  const composeParts = <T>(build: (toolkit: Toolkit) => T, other: Common = common) => parts.compose(() => other, build)
  const thing =
    (name: string, build: (toolkit: Toolkit) => unknown = () => undefined) =>
    (toolkit: Toolkit) => {
      toolkit.onClose(() => closed.push(name))
      build(toolkit)
      return { name }
    }
  return { composeParts, close: parts.close, closed, thing }
}

describe('a part', () => {
  test('is the same while all that it is made from is deeply equal, and another one otherwise', async () => {
    const { composeParts, closed, thing } = createBench()
    const compose = (audience: string[]) =>
      composeParts(({ keep }) => keep('a', [{ audience }], thing(audience.join())))
    const first = compose(['x'])
    await first.adopt()()
    const second = compose(['x'])
    expect(second.value).toBe(first.value)
    await second.adopt()()
    expect(closed).toEqual([])
    const third = compose(['y'])
    expect(third.value).not.toBe(first.value)
    expect(closed).toEqual([])
    await third.adopt()()
    expect(closed).toEqual(['x'])
  })

  test('inside one that is made anew is kept', async () => {
    const { composeParts, closed, thing } = createBench()
    const compose = (outer: string) =>
      composeParts(({ keep }) =>
        keep(
          'outer',
          [outer],
          thing(outer, (toolkit) => toolkit.keep('inner', ['same'], thing('inner'))),
        ),
      )
    await compose('one').adopt()()
    await compose('two').adopt()()
    await compose('two').adopt()()
    expect(closed).toEqual(['one'])
  })

  test('may have the name of one inside another part', async () => {
    const { composeParts, closed, thing } = createBench()
    const compose = () =>
      composeParts(({ keep }) =>
        ['a', 'b'].map((name) =>
          keep(
            name,
            [],
            thing(name, (toolkit) => toolkit.keep('keys', [name], thing(`keys of ${name}`))),
          ),
        ),
      )
    const first = compose()
    await first.adopt()()
    const second = compose()
    expect(second.value[0]).toBe(first.value[0])
    await second.adopt()()
    expect(closed).toEqual([])
    await composeParts(() => undefined).adopt()()
    expect(closed.toSorted()).toEqual(['a', 'b', 'keys of a', 'keys of b'])
  })

  test('is another one where what is common to all is', async () => {
    const { composeParts, closed, thing } = createBench()
    const compose = (common?: Common) =>
      composeParts(
        ({ keep }) =>
          keep(
            'a',
            [],
            thing('a', (toolkit) => toolkit.keep('inner', [], thing('inner'))),
          ),
        common,
      )
    const first = compose()
    await first.adopt()()
    expect(compose().value).toBe(first.value)
    const second = compose({ shared: undefined, replayGuard: { use: async () => false } })
    expect(second.value).not.toBe(first.value)
    await second.adopt()()
    expect(closed.toSorted()).toEqual(['a', 'inner'])
  })

  test('that cannot be closed keeps no other open', async () => {
    const { composeParts, closed, thing } = createBench()
    const broken = thing('broken', ({ onClose }) => onClose(() => Promise.reject(new Error('stuck'))))
    await composeParts(({ keep }) => [keep('broken', [], broken), keep('other', [], thing('other'))]).adopt()()
    await composeParts(() => undefined).adopt()()
    expect(closed).toEqual(['broken', 'other'])
  })

  test('that stays in use through a kept one is not closed', async () => {
    const { composeParts, close, closed, thing } = createBench()
    const compose = () =>
      composeParts(({ keep }) =>
        keep(
          'outer',
          [],
          thing('outer', (toolkit) => toolkit.keep('inner', [], thing('inner'))),
        ),
      )
    for (let times = 0; times < 3; times++) await compose().adopt()()
    expect(closed).toEqual([])
    await close()
    expect(closed.sort()).toEqual(['inner', 'outer'])
  })
})

describe('a configuration that is not taken over', () => {
  test('closes what was new in it, and nothing else', async () => {
    const { composeParts, closed, thing } = createBench()
    await composeParts(({ keep }) => keep('shared', [], thing('shared'))).adopt()()
    const refused = composeParts(({ keep }) => [keep('shared', [], thing('shared')), keep('new', [], thing('new'))])
    await refused.abandon()
    expect(closed).toEqual(['new'])
  })

  test('closes what was new where building it fails', () => {
    const { composeParts, closed, thing } = createBench()
    const broken = () =>
      composeParts(({ keep }) => {
        keep('new', [], thing('new'))
        throw new Error('no secret')
      })
    expect(broken).toThrow('no secret')
    expect(closed).toEqual(['new'])
  })
})

test('breakers are those of all parts in use, kept ones included', () => {
  const { composeParts } = createBench()
  const compose = (names: string[]) =>
    composeParts(({ keep }) => names.map((name) => keep(name, [], ({ dependency }) => dependency(name))))
  const first = compose(['a', 'b'])
  first.adopt()
  const second = compose(['b', 'c'])
  expect(second.dependencies.map(({ name }) => name)).toEqual(['b', 'c'])
  expect(second.value[0]).toBe(first.value[1])
})

test('a breaker ends with its part: nothing is called through it any more', async () => {
  const { composeParts } = createBench()
  const first = composeParts(({ keep }) => keep('a', [], ({ dependency }) => dependency('a')))
  await first.adopt()()
  expect(await first.value.call(async () => 'answer')).toBe('answer')
  await composeParts(() => undefined).adopt()()
  await expect(first.value.call(async () => 'answer')).rejects.toThrow(DependencyError)
})
