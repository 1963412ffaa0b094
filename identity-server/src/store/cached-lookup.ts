/**
 * Rows kept in memory between requests: bounded, one load per key however many ask, dropped when the database says
 * that they changed. Keys begin with the auth server, so that no tenant can be answered with another's row.
 */
import { LRUCache } from 'lru-cache'
import type { Change, Changes } from './changes.ts'

export interface CachedLookup<Value> {
  /** The value, or undefined where there is none; at once where it is known. @throws StoreError */
  get(authServer: string, id?: string): Value | undefined | Promise<Value | undefined>
}

export interface CachedLookupOptions<Value> {
  load(authServer: string, id: string): Promise<Value | undefined>
  /** Whether a change concerns the entry (`id` is empty where the lookup has one entry per auth server). */
  concerns(change: Change, authServer: string, id: string): boolean
  changes: Changes
  /** Most entries. Absent ones are counted apart, so that a flood of invented ids displaces nothing. */
  max: number
  /** ms after which an entry is loaded anew even though no change was heard. */
  maxAgeMs?: number
  /** ms, from any beginning; only differences count. */
  now?: () => number
}

const separator = '\n'

export function createCachedLookup<Value extends object>(options: CachedLookupOptions<Value>): CachedLookup<Value> {
  const ttl = options.maxAgeMs ?? 60_000
  const perf = { now: options.now ?? (() => performance.now()) }
  const present = new LRUCache<string, Value>({ max: options.max, ttl, perf })
  const absent = new LRUCache<string, true>({ max: Math.min(options.max, 10_000), ttl: Math.min(ttl, 10_000), perf })
  const loading = new Map<string, Promise<Value | undefined>>()

  const drop = (key: string) => {
    present.delete(key)
    absent.delete(key)
    // A load that is under way may have read the row before it changed: its result is not kept.
    loading.delete(key)
  }

  options.changes.subscribe((change) => {
    for (const key of new Set([...present.keys(), ...absent.keys(), ...loading.keys()])) {
      const [authServer = '', id = ''] = key.split(separator)
      if (change === 'everything' || options.concerns(change, authServer, id)) drop(key)
    }
  })

  const load = (key: string, authServer: string, id: string) => {
    const promise = options.load(authServer, id).then((value) => {
      if (loading.get(key) !== promise) return value
      if (value === undefined) absent.set(key, true)
      else present.set(key, value)
      return value
    })
    loading.set(key, promise)
    const forget = () => {
      if (loading.get(key) === promise) loading.delete(key)
    }
    promise.then(forget, forget)
    return promise
  }

  return {
    get(authServer, id = '') {
      const key = `${authServer}${separator}${id}`
      const value = present.get(key)
      if (value !== undefined) return value
      if (absent.get(key)) return undefined
      return loading.get(key) ?? load(key, authServer, id)
    },
  }
}
