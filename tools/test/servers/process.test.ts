import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { answers, freePort, isFreePort, startProcess, temporaryFolder } from '../../src/servers/process.ts'

const node = (code: string, ready: () => boolean | Promise<boolean> = () => true, readyWithinMs = 5_000) =>
  startProcess(process.execPath, ['-e', code], { ready, readyWithinMs })

describe('ports', () => {
  test('that are free are none that outgoing connections could take', async () => {
    const port = await freePort()
    expect(port).toBeLessThan(32_768)
    expect(await isFreePort(port)).toBe(true)
  })

  test('that somebody listens on are not free', async () => {
    const port = await freePort()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    expect(await isFreePort(port)).toBe(false)
    await new Promise((resolve) => server.close(resolve))
    expect(await isFreePort(port)).toBe(true)
  })
})

describe('a process', () => {
  test('is there once it is ready, and gone once it is stopped', async () => {
    const port = await freePort()
    const code = `require('http').createServer((q, r) => r.end('here')).listen(${port}, '127.0.0.1', () => console.log('listening'))`
    const running = await node(code, answers(`http://127.0.0.1:${port}`))
    expect(running.output()).toContain('listening')
    await running.stop()
    expect(await running.exited).toEqual({ code: null, signal: 'SIGTERM' })
    expect(await isFreePort(port)).toBe(true)
  })

  test('that does not end when it is asked to is killed', async () => {
    const running = await node(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1e3); console.log('on')`)
    while (!running.output().includes('on')) await new Promise((resolve) => setTimeout(resolve, 10))
    await running.stop('SIGTERM', 100)
    expect((await running.exited).signal).toBe('SIGKILL')
  })

  test('that ends before it is ready is an error that holds what it said', async () => {
    const never = () => false
    await expect(node(`console.error('no such luck'); process.exit(3)`, never)).rejects.toThrow('no such luck')
    await expect(node('setInterval(() => {}, 1e3)', never, 100)).rejects.toThrow('not ready in time')
    const nowhere = startProcess('/nowhere/at/all', [], { ready: never })
    await expect(nowhere).rejects.toThrow('ENOENT')
  })
})

test('a temporary folder is removed with what it holds', async () => {
  const folder = await temporaryFolder('test')
  expect(existsSync(folder.path)).toBe(true)
  await folder.remove()
  expect(existsSync(folder.path)).toBe(false)
})
