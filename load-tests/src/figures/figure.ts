/** What is measured without a flood of requests: a step on its own, or a count. `list.ts` names them all. */
import type { Targets } from '../targets.ts'

export interface Figure {
  name: string
  unit: string
  /** Most that is asked for. */
  atMost?: number
  measure(targets: Targets): Promise<number>
}
