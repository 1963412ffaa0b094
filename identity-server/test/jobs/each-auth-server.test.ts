import { describe, expect, test } from 'vitest'
import { forEachAuthServer } from '../../src/jobs/each-auth-server.ts'
import type { Page } from '../../src/store/page.ts'

const all = Array.from({ length: 1_234 }, (_, index) => String(index).padStart(4, '0'))
const list = async ({ after = '', limit }: Page) => all.filter((id) => id > after).slice(0, limit)
const never = new AbortController().signal

describe('each auth server of a listing', () => {
  test('has its turn, once', async () => {
    const seen: string[] = []
    await forEachAuthServer(list, async (id) => void seen.push(id), never)
    expect(seen).toEqual(all)
  })

  test('has its turn though others fail, and a few of many failures are told', async () => {
    const seen: string[] = []
    const work = async (id: string) => {
      seen.push(id)
      if (id.endsWith('0')) throw new Error(id)
    }
    const error: unknown = await forEachAuthServer(list, work, never).catch((caught: unknown) => caught)
    expect(seen).toEqual(all)
    if (!(error instanceof AggregateError)) throw new Error('no AggregateError')
    expect(error.message).toBe('failed for 124 auth servers')
    expect(error.errors.map(({ message }) => message)).toEqual(all.filter((id) => id.endsWith('0')).slice(0, 10))
  })

  test('waits for the next run once asked to stop', async () => {
    const stop = new AbortController()
    const seen: string[] = []
    const work = async (id: string) => {
      seen.push(id)
      if (id === '0700') stop.abort()
    }
    await forEachAuthServer(list, work, stop.signal)
    expect(seen).toEqual(all.slice(0, 701))
  })
})
