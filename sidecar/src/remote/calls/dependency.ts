/** A circuit breaker around each remote endpoint, so that one that is down costs nothing but an answer. */
import CircuitBreaker from 'opossum'
import { DependencyError, safeReason } from '../../failures.ts'
import { traced } from '../../tracing.ts'

export interface Dependency {
  readonly name: string
  /** Runs the work, unless the breaker is open or too much is under way. @throws DependencyError */
  call<T>(work: () => Promise<T>): Promise<T>
  /** Whether it is being asked at all: metrics and readiness. */
  state(): 'closed' | 'half_open' | 'open'
  close(): void
}

export interface DependencyOptions {
  /** Most calls at once. */
  capacity?: number
  /** ms until an open breaker lets one call through. */
  resetAfterMs?: number
  /** Told how long each call took, in ms. */
  observe?(name: string, outcome: 'success' | 'failure', durationMs: number): void
}

export function createDependency(name: string, options: DependencyOptions = {}): Dependency {
  const breaker = new CircuitBreaker((work: () => Promise<unknown>) => work(), {
    // The HTTP client keeps the deadline; a second clock here would leave requests running behind.
    timeout: false,
    errorThresholdPercentage: 50,
    volumeThreshold: 5,
    rollingCountTimeout: 10_000,
    resetTimeout: options.resetAfterMs ?? 2_000,
  })
  const capacity = options.capacity ?? 1_000
  let underWay = 0
  return {
    name,
    async call<T>(work: () => Promise<T>): Promise<T> {
      // Bounded here: the breaker would take its own refusals for failures of the dependency, and open.
      if (underWay >= capacity) throw new DependencyError(name, 'too many calls are under way')
      underWay += 1
      let result: { value: T } | undefined
      const begun = performance.now()
      try {
        await breaker.fire(async () => {
          result = { value: await traced(name, work) }
        })
        options.observe?.(name, 'success', performance.now() - begun)
      } catch (error) {
        options.observe?.(name, 'failure', performance.now() - begun)
        throw error instanceof DependencyError ? error : new DependencyError(name, safeReason(error), error)
      } finally {
        underWay -= 1
      }
      if (!result) throw new DependencyError(name, 'gave no result')
      return result.value
    },
    state: () => (breaker.opened ? 'open' : breaker.halfOpen ? 'half_open' : 'closed'),
    close: () => breaker.shutdown(),
  }
}
