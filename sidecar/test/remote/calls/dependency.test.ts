import { afterEach, describe, expect, test } from 'vitest'
import { DependencyError } from '../../../src/failures.ts'
import { createDependency, type Dependency } from '../../../src/remote/calls/dependency.ts'

let dependency: Dependency

afterEach(() => dependency.close())

const fail = () => Promise.reject(new Error('the secret is hunter2'))
const failures = (count: number) =>
  Promise.all(Array.from({ length: count }, () => dependency.call(fail).catch(String)))

describe('a dependency', () => {
  test('gives what the work gives', async () => {
    dependency = createDependency('test')
    expect(await dependency.call(async () => 7)).toBe(7)
    expect(await dependency.call(async () => undefined)).toBeUndefined()
  })

  test('fails by its name, without the message of what went wrong', async () => {
    dependency = createDependency('test')
    const error = await dependency.call(fail).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(DependencyError)
    expect(String(error)).toBe('DependencyError: test: Error')
  })

  test('is not asked for a while after repeated failures, then again, and closes with the first success', async () => {
    dependency = createDependency('test', { resetAfterMs: 30 })
    await failures(5)
    expect(dependency.state()).toBe('open')
    let asked = 0
    const ask = async () => {
      asked += 1
    }
    await expect(dependency.call(ask)).rejects.toThrow('EOPENBREAKER')
    expect(asked).toBe(0)
    // The breaker has a clock of its own.
    while (dependency.state() === 'open') await new Promise((resolve) => setTimeout(resolve, 5))
    await dependency.call(ask)
    expect(asked).toBe(1)
    expect(dependency.state()).toBe('closed')
  })

  test('that is asked too much at once refuses the rest, and that is no failure of its own', async () => {
    dependency = createDependency('test', { capacity: 10 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const calls = Promise.allSettled(Array.from({ length: 100 }, () => dependency.call(() => promise)))
    resolve()
    const statuses = (await calls).map(({ status }) => status)
    expect(statuses.filter((status) => status === 'fulfilled')).toHaveLength(10)
    expect(dependency.state()).toBe('closed')
    expect(await dependency.call(async () => 'again')).toBe('again')
  })
})
