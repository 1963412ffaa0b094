/** Whether requests should be sent here (`/readyz`), and what operators should know besides. */
import type { Engine } from './engine.ts'

export interface Readiness {
  /** What keeps requests from being served now; empty: nothing. */
  obstacles(): string[]
  /** What is wrong, but keeps no request from being served. */
  notes(): string[]
  /** Whether there are no obstacles. */
  isReady(): boolean
  draining(): void
  /** @param refused why the last change of the configuration was refused; undefined: it was not */
  reloaded(refused: string | undefined): void
}

/** @param logProblem why lines of the log are lost, if they are */
export function createReadiness(
  { keys, feeds }: Pick<Engine, 'keys' | 'feeds'>,
  logProblem: () => string | undefined,
): Readiness {
  let isDraining = false
  let refusedReload: string | undefined
  const obstacles = () => [
    ...(isDraining ? ['it is ending'] : []),
    ...[...keys()].flatMap(([name, of]) => (of.known() ? [] : [`the keys of ${name} are not known`])),
    ...[...feeds()].flatMap(([name, feed]) => (feed.synced() ? [] : [`revocations of ${name} are not known`])),
  ]
  return {
    obstacles,
    isReady: () => obstacles().length === 0,
    notes() {
      const lost = logProblem()
      return [
        ...(refusedReload === undefined ? [] : [`the changed configuration was refused: ${refusedReload}`]),
        ...(lost === undefined ? [] : [`lines of the log are lost: ${lost}`]),
      ]
    },
    draining() {
      isDraining = true
    },
    reloaded(refused) {
      refusedReload = refused
    },
  }
}
