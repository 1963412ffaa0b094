/**
 * Notices when a file changes: editors put another one in its place, Kubernetes another target behind a symbolic link, and
 * network file systems tell nobody. So it is looked at, by what its name leads to at the moment.
 */
import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

export interface FileWatch {
  close(): void
}

const lookEveryMs = 500

export interface WatchOptions {
  /** As it was before it was read: what changed since then is a change. Default: as it is now. */
  since?: string
  everyMs?: number
}

/** @param onChange told once the file has stayed the same from one look to the next: it is not read half written */
export function watchFile(
  file: string,
  onChange: () => void,
  { since, everyMs = lookEveryMs }: WatchOptions = {},
): FileWatch {
  const closing = new AbortController()
  void (async () => {
    let told = since ?? (await fingerprint(file))
    let seen = told
    while (await pause(everyMs, closing.signal)) {
      const current = await fingerprint(file)
      if (current === seen && current !== told) {
        told = current
        onChange()
      }
      seen = current
    }
  })()
  return { close: () => closing.abort() }
}

/** Another one whenever the file is another, or holds something else. */
export async function fingerprint(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found ? `${found.dev}.${found.ino}.${found.size}.${found.mtimeNs}.${found.ctimeNs}` : 'gone'
}

/** @returns false where it was ended early */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal, ref: false }).catch(() => false)
}
