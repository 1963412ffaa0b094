import { describe, expect, test } from 'vitest'
import { allow, parsed, send, startGateway, startSidecar } from './support.ts'

describe('an allowed request', () => {
  test('loses every spelling of the headers that the decision removes, wherever a proxy may look', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = await startGateway(sidecar.url)
    const fields = ['Host', 'gateway', 'Accept', 'x/y']
    const spoofed = [
      'X-Postern-Subject',
      'x_postern_subject',
      'X.Postern.Subject',
      'x-postern-scope',
      'X_POSTERN-SCOPE',
    ]
    for (const name of [...spoofed, 'X-Postern-Subject']) fields.push(name, 'root')
    const { headers, raw, fields: seen, distinct, decision } = await send(app, { path: '/echo', fields }).then(parsed)
    const expected = { host: 'gateway', accept: 'x/y', authorization: 'Bearer upstream', 'x-postern-subject': 'alice' }
    for (const map of [headers, raw]) expect(map).toEqual({ ...expected, connection: 'close' })
    expect(distinct['x-postern-subject']).toEqual(['alice'])
    expect(Object.keys(distinct).sort()).toEqual([...Object.keys(expected), 'connection'].sort())
    expect(seen).toEqual([
      ...['Host', 'gateway', 'Accept', 'x/y', 'Connection', 'close'],
      ...['authorization', 'Bearer upstream', 'x-postern-subject', 'alice'],
    ])
    expect(decision).toEqual(allow)
  })

  test('cannot have the set headers dropped by naming them in Connection', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = await startGateway(sidecar.url)
    const fields = [
      'Host',
      'g',
      'Connection',
      'X-Postern-Subject, close, AUTHORIZATION',
      'Connection',
      'x_postern_scope',
    ]
    const { raw, fields: seen } = await send(app, { path: '/echo', fields }).then(parsed)
    expect(raw.connection).toBe('close')
    expect(seen.filter((text: string) => /subject|scope/i.test(text))).toEqual(['x-postern-subject'])
  })

  test('keeps no identity header that an earlier hook copied into request.headers', async () => {
    const sidecar = await startSidecar(() => allow)
    const app = await startGateway(sidecar.url, (early) => {
      early.addHook('onRequest', async (request) => {
        request.headers = { ...request.headers, 'x-trace': '1' }
      })
    })
    const { headers } = await send(app, { path: '/echo', fields: ['Host', 'g', 'x_postern_subject', 'root'] }).then(
      parsed,
    )
    expect(headers).toMatchObject({ 'x-trace': '1', 'x-postern-subject': 'alice' })
    expect(headers).not.toHaveProperty('x_postern_subject')
  })
})
