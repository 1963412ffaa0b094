import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createDurationHistogram, createTally } from '../src/tally.ts'

test('counts by all label values together', async () => {
  const registry = new Registry()
  const count = createTally([registry], 'answers', 'Answers', ['route', 'status'])
  for (const status of ['200', '400', '200']) count('/a', status)
  count('/b', '200')
  const lines = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('answers'))
  const expected = [
    'answers{route="/a",status="200"} 2',
    'answers{route="/a",status="400"} 1',
    'answers{route="/b",status="200"} 1',
  ]
  expect(await lines()).toEqual(expected)
  // Asked again, it has not counted twice.
  expect(await lines()).toEqual(expected)
})

test('durations read as those of prom-client', async () => {
  const bounds = [1, 2.5, 10, 100]
  const duration = fc.oneof(fc.constantFrom(...bounds), fc.double({ min: 0, max: 200, noNaN: true }))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('/a', '/:b"\\'), duration)), async (observed) => {
      const ours = createDurationHistogram('d_seconds', 'Durations', 'route', bounds)
      const registry = new Registry()
      const theirs = new Histogram({
        name: 'd_seconds',
        help: 'Durations',
        labelNames: ['route'],
        buckets: bounds.map((bound) => bound / 1_000),
        registers: [registry],
      })
      for (const [route, durationMs] of observed) {
        ours.observe(route, durationMs)
        theirs.observe({ route }, durationMs / 1_000)
      }
      const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.includes('_sum'))
      expect(lines(ours.render())).toEqual(lines(await registry.metrics()))
    }),
    { numRuns: 50 },
  )
})

test('the sum of durations is in seconds', () => {
  const durations = createDurationHistogram('d_seconds', 'Durations', 'route', [1])
  durations.observe('/a', 250)
  durations.observe('/a', 500)
  expect(durations.render()).toContain('d_seconds_sum{route="/a"} 0.75\n')
})
