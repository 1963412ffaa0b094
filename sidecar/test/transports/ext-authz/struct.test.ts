import fc from 'fast-check'
import { expect, test } from 'vitest'
import { messages } from '../../../src/transports/ext-authz/messages.ts'
import { toStruct } from '../../../src/transports/ext-authz/struct.ts'
import { fromStruct } from '../../support/struct.ts'

function overTheWire(json: Record<string, unknown>): Record<string, unknown> {
  const sent = messages.response.serialize({ status: { code: 0 }, dynamic_metadata: toStruct(json) })
  return fromStruct(messages.response.deserialize(sent).dynamic_metadata)
}

test('whatever JSON holds arrives as it is', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (json) => {
      // Written as JSON, -0 is 0; over the wire it stays what it is.
      const asWritten = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
      expect(asWritten(overTheWire(json))).toEqual(asWritten(json))
    }),
    { examples: [[{ '': [{ '': -0 }] }]] },
  )
})

test('what is nested too deep is left out, and nothing else', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
  const sent = overTheWire({
    a: 1,
    flat: nested(16),
    deep: nested(17),
    deeper: nested(5_000),
    none: undefined,
    b: null,
  })
  expect(sent).toEqual({ a: 1, flat: nested(16), b: null })
})
