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

export function createReadiness({ keys, feeds }: Pick<Engine, 'keys' | 'feeds'>): Readiness {
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
    notes: () => (refusedReload === undefined ? [] : [`the changed configuration was refused: ${refusedReload}`]),
    draining() {
      isDraining = true
    },
    reloaded(refused) {
      refusedReload = refused
    },
  }
}
