/** The bounds of the claims engine: what a claim may be made of, and what making it may cost. */

/** Checked where a claim or source is saved. */
export const savedLimits = {
  /** Arrays and objects within each other, in values and in what sources answer. */
  depth: 16,
  /** Characters of one expression. */
  expressionLength: 2_000,
  /** Characters of all values, conditions, keys and URLs of one auth server: they stay compiled in memory. */
  totalLength: 65_536,
} as const

/** How an expression may be built; the parser keeps them. */
export const expressionLimits = {
  maxAstNodes: 400,
  maxDepth: 32,
  maxListElements: 100,
  maxMapEntries: 100,
  maxCallArguments: 8,
} as const

/** Checked at each evaluation. */
export const evaluationLimits = {
  /** Units of work (see meter.ts) for all claims of one placement: some thirty milliseconds at worst. */
  budget: 50_000,
  /** Bytes of a value, and of all claims of one placement, as JSON: a token must fit into a header. */
  resultBytes: 16_384,
  /** Bytes of what a source answers for one evaluation, as JSON. */
  attributeBytes: 65_536,
} as const
