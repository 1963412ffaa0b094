/**
 * News of committed changes, from this process and from other replicas, by LISTEN/NOTIFY. Caches subscribe and drop
 * what changed. A lost connection loses notifications, so listening anew means: everything may have changed.
 */
import Type from 'typebox'
import { Value } from 'typebox/value'

export interface Change {
  table: string
  authServer: string
  client: string | null
}

/** Opens a listening connection; `onLost` is called at most once when it breaks. */
export type Listen = (onMessage: (payload: string) => void, onLost: () => void) => Promise<() => Promise<void>>

export interface Changes {
  start(): Promise<void>
  stop(): Promise<void>
  /** @param listener is told each change, or `everything` where notifications may have been missed */
  subscribe(listener: (change: Change | 'everything') => void): void
  /**
   * Expects a marker that a transaction sends as its last notification: when it arrives, all of the transaction's
   * changes have arrived. `arrived` is asked once the transaction is committed; where the marker does not come within
   * a second of that, everything is taken as changed.
   */
  expect(marker: string): { arrived(): Promise<void>; cancel(): void }
  /** Whether changes are heard now. That a connection broke without a word is noticed within seconds. */
  listening(): boolean
}

const Message = Type.Union([
  Type.Object({ marker: Type.String() }),
  Type.Object({ table: Type.String(), auth_server: Type.String(), client: Type.Union([Type.String(), Type.Null()]) }),
])

const reconnectAfterMs = 500
/** While nothing can be heard, this is how long what is in memory is trusted, and serves on without a database. */
const trustedUnheardMs = 60_000
const markerWithinMs = 1_000

export function createChanges(listen: Listen): Changes {
  const listeners: ((change: Change | 'everything') => void)[] = []
  const expected = new Map<string, () => void>()
  let stopListening: (() => Promise<void>) | undefined
  let stopped = false
  let reconnect: NodeJS.Timeout | undefined
  let unheard: NodeJS.Timeout | undefined

  const tell = (change: Change | 'everything') => {
    for (const listener of listeners) listener(change)
  }

  const onMessage = (payload: string) => {
    const message = parse(payload)
    if (message === undefined) tell('everything')
    else if ('marker' in message) expected.get(message.marker)?.()
    else tell({ table: message.table, authServer: message.auth_server, client: message.client })
  }

  const onLost = () => {
    stopListening = undefined
    if (stopped) return
    unheard ??= setInterval(() => tell('everything'), trustedUnheardMs)
    // Half of it at random, so that replicas do not all come back at once.
    reconnect = setTimeout(() => start().catch(onLost), reconnectAfterMs * (0.5 + Math.random() / 2))
  }

  const start = async () => {
    const stop = await listen(onMessage, onLost)
    if (stopped) return stop()
    stopListening = stop
    clearInterval(unheard)
    unheard = undefined
    tell('everything')
  }

  return {
    start,
    async stop() {
      stopped = true
      clearTimeout(reconnect)
      clearInterval(unheard)
      await stopListening?.()
    },
    subscribe: (listener) => void listeners.push(listener),
    expect(marker) {
      const { promise, resolve } = Promise.withResolvers<void>()
      let timer: NodeJS.Timeout | undefined
      expected.set(marker, resolve)
      return {
        arrived() {
          timer = setTimeout(() => {
            tell('everything')
            resolve()
          }, markerWithinMs)
          return promise
        },
        cancel() {
          clearTimeout(timer)
          expected.delete(marker)
        },
      }
    },
    listening: () => stopListening !== undefined,
  }
}

function parse(payload: string) {
  try {
    return Value.Parse(Message, JSON.parse(payload))
  } catch {
    // Not ours, or of a later version: the caller then takes everything as changed, which is always safe.
    return undefined
  }
}
