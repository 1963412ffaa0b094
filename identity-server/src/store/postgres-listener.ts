/** The connection of its own on which PostgreSQL tells of changes. */
import pg from 'pg'
import type { Listen } from './changes.ts'

const askEveryMs = 5_000

/**
 * @param settings with a `query_timeout`
 * @param everyMs how often the connection is asked whether it is there. It may break without a word, where something in
 *   between forgets it, and would then stay silent for ever.
 */
export function listenOn(settings: pg.ClientConfig, everyMs = askEveryMs): Listen {
  return async (onMessage, onLost) => {
    const client = new pg.Client(settings)
    let ended = false
    let asking: NodeJS.Timeout | undefined
    const end = () => {
      ended = true
      clearInterval(asking)
    }
    const lost = () => {
      if (ended) return
      end()
      // Not awaited, here and below: it may never settle for a connection that is broken, or was never made.
      client.end().catch(() => undefined)
      onLost()
    }
    client.on('error', lost)
    client.on('end', lost)
    client.on('notification', (message) => onMessage(message.payload ?? ''))
    try {
      await client.connect()
      await client.query('listen postern_changes')
    } catch (error) {
      end()
      client.end().catch(() => undefined)
      throw error
    }
    asking = setInterval(() => client.query('select 1').catch(lost), everyMs)
    return async () => {
      end()
      await client.end()
    }
  }
}
