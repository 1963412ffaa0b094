/**
 * Rows kept in memory between requests: bounded, one load per key however many ask, dropped when the database says
 * that they changed. Keys begin with the auth server, so that no tenant can be answered with another's row.
 */
import { LRUCache } from 'lru-cache'
import type { Change, Changes } from './changes.ts'

export interface CachedLookup<Value> {
  /** The value, or undefined where there is none; at once where it is known. @throws StoreError */
  get(authServer: string, id?: string): Value | undefined | Promise<Value | undefined>
  /** Entries, absent ones included. */
  size(): number
}

export interface CachedLookupOptions<Value> {
  load(authServer: string, id: string): Promise<Value | undefined>
  /** What has an entry each: auth servers, or clients by their id. */
  entryPer: 'auth server' | 'client'
  /** The tables whose rows an entry is made of. A change that names no client concerns all of its auth server. */
  tables: readonly string[]
  changes: Changes
  /** Most entries. Absent ones are counted apart, so that a flood of invented ids displaces nothing. */
  max: number
  /** ms after which, at the latest, an entry is loaded anew even though no change was heard. */
  maxAgeMs?: number
  /** ms, from any beginning; only differences count. */
  now?: () => number
}

/**
 * Changes are heard, and a listener that may have missed one drops everything, so age is but a second net: short, it
 * would have 100,000 clients loaded 1,600 times a second.
 */
const usualMaxAgeMs = 3_600_000
const absentForMs = 10_000
/** How exactly ages are kept: asking for the time at each look-up costs more than the look-up. */
const ageResolutionMs = 1_000

const separator = '\n'

export function createCachedLookup<Value extends object>(options: CachedLookupOptions<Value>): CachedLookup<Value> {
  const { maxAgeMs = usualMaxAgeMs } = options
  const age = { ttlResolution: ageResolutionMs, perf: { now: options.now ?? (() => performance.now()) } }
  const present = new LRUCache<string, Value>({ max: options.max, ttl: maxAgeMs, ...age })
  const absent = new LRUCache<string, true>({
    max: Math.min(options.max, 10_000),
    ttl: Math.min(maxAgeMs, absentForMs),
    ...age,
  })
  const loading = new Map<string, Promise<Value | undefined>>()
  const tables = new Set(options.tables)

  const drop = (key: string) => {
    present.delete(key)
    absent.delete(key)
    // A load that is under way may have read the row before it changed: its result is not kept.
    loading.delete(key)
  }

  const dropMany = (concerned: (key: string) => boolean) => {
    for (const key of [...present.keys(), ...absent.keys(), ...loading.keys()]) if (concerned(key)) drop(key)
  }

  const dropChanged = ({ table, authServer, client }: Change) => {
    if (!tables.has(table)) return
    if (options.entryPer === 'auth server') drop(keyOf(authServer, ''))
    else if (client !== null) drop(keyOf(authServer, client))
    // Rare, so it may look at every key.
    else dropMany((key) => key.startsWith(keyOf(authServer, '')))
  }

  options.changes.subscribe((change) => {
    if (change === 'everything') dropMany(() => true)
    else dropChanged(change)
  })

  const load = (key: string, authServer: string, id: string) => {
    const promise = options.load(authServer, id).then((value) => {
      if (loading.get(key) !== promise) return value
      if (value === undefined) absent.set(key, true)
      // At random, so that what was loaded together is not loaded anew together.
      else present.set(key, value, { ttl: maxAgeMs * (0.5 + Math.random() / 2) })
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
      const key = keyOf(authServer, id)
      const value = present.get(key)
      if (value !== undefined) return value
      if (absent.get(key)) return undefined
      return loading.get(key) ?? load(key, authServer, id)
    },
    size: () => present.size + absent.size,
  }
}

function keyOf(authServer: string, id: string): string {
  return authServer + separator + id
}
