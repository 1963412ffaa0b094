/** What is done now and then, on behalf of nobody who waits for it. `list.ts` names the jobs. */
export interface Job {
  /** Logs and metrics name it. */
  name: string
  /** Most ms from the end of a run to the beginning of the next; replicas wait a random part of it less. */
  intervalMs: number
  /**
   * Runs on every replica: what two must not do at once takes a lock within its transaction (store/lock.ts).
   * @param now ms since the epoch
   * @param signal asks to stop between two steps: at the deadline, and when the server closes. The next run goes on.
   */
  run(now: number, signal: AbortSignal): Promise<void>
}
