/** One call per question, however many ask it at the same time. */

export interface SingleFlight<Value> {
  /** Joins the call for this key that is under way, or begins one. */
  run(key: string, work: () => Promise<Value>): Promise<Value>
  /** Questions that are under way. */
  readonly size: number
}

export function createSingleFlight<Value>(): SingleFlight<Value> {
  const flights = new Map<string, Promise<Value>>()
  return {
    run(key, work) {
      const flight = flights.get(key)
      if (flight) return flight
      const begun = work()
      flights.set(key, begun)
      const forget = () => flights.delete(key)
      begun.then(forget, forget)
      return begun
    },
    get size() {
      return flights.size
    },
  }
}
