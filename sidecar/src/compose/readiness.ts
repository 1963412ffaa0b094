/** Whether requests should be sent here (`/readyz`), and what operators should know besides. */
import type { Engine } from './engine.ts'

export interface Readiness {
  /** What keeps requests from being served now; empty: nothing. */
  obstacles(): string[]
  /** What is wrong, but keeps no request from being served. */
  notes(): string[]
  /** By the issuer's name: how old what is known of its revocations is, and how long the last one took to get here. */
  feeds(): Record<string, { age_seconds: number | undefined; lag_seconds: number | undefined }>
  /** Whether there are no obstacles. */
  isReady(): boolean
  draining(): void
  /** @param refused why the last change of the configuration was refused; undefined: it was not */
  reloaded(refused: string | undefined): void
}

export interface ReadinessOptions {
  /** Why lines of the log are lost, if they are. */
  logProblem(): string | undefined
  /** ms since the epoch */
  now: () => number
}

export function createReadiness(
  { keys, feeds }: Pick<Engine, 'keys' | 'feeds'>,
  { logProblem, now }: ReadinessOptions,
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
    feeds: () =>
      Object.fromEntries(
        [...feeds()].map(([name, { answeredAt, lags }]) => {
          const at = answeredAt()
          const age = at === undefined ? undefined : now() - at
          return [name, { age_seconds: inSeconds(age), lag_seconds: inSeconds(lags.lastMs) }]
        }),
      ),
    draining() {
      isDraining = true
    },
    reloaded(refused) {
      refusedReload = refused
    },
  }
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000
}
