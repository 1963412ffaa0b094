/** How connections end when a listener closes: what is under way is finished, and nobody keeps it open afterwards. */
import type { Server } from 'node:http'

const lookEveryMs = 50
/**
 * Ends connections for as long as the server closes: kept-alive ones as soon as their last answer is sent, and those
 * that are too slow after `cutAfterMs`.
 * @param close ends the listening, and settles when no connection is left
 */
export async function closeWithConnections(
  server: Server,
  close: () => Promise<unknown>,
  cutAfterMs: number,
): Promise<void> {
  const idle = setInterval(() => server.closeIdleConnections(), lookEveryMs)
  const cut = setTimeout(() => server.closeAllConnections(), cutAfterMs)
  try {
    await close()
  } finally {
    clearInterval(idle)
    clearTimeout(cut)
  }
}
