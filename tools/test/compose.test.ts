/** The compose file and the Dockerfile against the sources, as far as that goes without a Docker engine. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Type from 'typebox'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

const Compose = Type.Object({
  services: Type.Record(
    Type.String(),
    Type.Object({
      image: Type.Optional(Type.String()),
      build: Type.Optional(Type.Object({ context: Type.String(), dockerfile: Type.String(), target: Type.String() })),
      command: Type.Optional(Type.Array(Type.String())),
      user: Type.Optional(Type.String()),
      network_mode: Type.Optional(Type.String()),
      ports: Type.Optional(Type.Array(Type.String())),
      environment: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))),
      read_only: Type.Optional(Type.Boolean()),
      healthcheck: Type.Object({
        test: Type.Optional(Type.Array(Type.String())),
        disable: Type.Optional(Type.Boolean()),
      }),
      security_opt: Type.Array(Type.String()),
    }),
  ),
})

const { services } = Value.Parse(Compose, parse(read('docker-compose.yml'), { merge: true }))
const dockerfile = read('deploy/Dockerfile')
const targets = new Map(
  [...dockerfile.matchAll(/^FROM \S+ AS (\S+)\n([\s\S]*?)(?=^FROM |$(?![\s\S]))/gm)].map(([, name, body]) => [
    name,
    body ?? '',
  ]),
)
const built = Object.entries(services).flatMap(([name, service]) =>
  service.build ? [{ name, ...service, build: service.build }] : [],
)
const images = Object.entries(services).filter(([, { image }]) => image)

test('has the services of the design', () => {
  const names = ['identity-server', 'sidecar', 'gateway', 'upstream', 'postgres', 'redis']
  expect(Object.keys(services)).toEqual(expect.arrayContaining(names))
})

describe.each(built)('$name', ({ build, command, environment = {} }) => {
  const target = targets.get(build.target) ?? ''

  test('has a target that ends up without root', () => {
    expect(build.dockerfile).toBe('deploy/Dockerfile')
    expect([...target.matchAll(/^USER (.+)$/gm)].at(-1)?.[1]).toBe('node')
  })

  test('runs a source that its image holds', () => {
    const words: string[] = command ?? JSON.parse(/^CMD (.+)$/m.exec(target)?.[1] ?? '[]')
    const file = words.find((word) => word.endsWith('.ts')) ?? ''
    expect(globSync(file, { cwd: root })).toHaveLength(1)
    expect(target).toContain(`COPY ${file.split('/src/')[0]}/src`)
  })

  test('sets only variables that its sources read', () => {
    const folders = [...target.matchAll(/^COPY (\S+\/src) /gm)].map((match) => match[1])
    const sources = globSync(
      folders.map((folder) => `${folder}/**/*.ts`),
      { cwd: root },
    )
      .map(read)
      .join('\n')
    const ofImage = [...target.matchAll(/^ENV (.+)$/gm)].flatMap((match) =>
      String(match[1])
        .split(' ')
        .map((pair) => pair.split('=')[0]),
    )
    for (const name of [...Object.keys(environment), ...ofImage])
      expect(sources, name).toMatch(new RegExp(`\\b${name}\\b`))
  })
})

test.each(images)('%s, an image of others, is pinned to a version and runs without root', (_name, { image, user }) => {
  expect(image).toMatch(/:\d/)
  expect(user).toMatch(/^(?!root$|0$)\w+$/)
})

test('no service may gain privileges', () => {
  for (const { security_opt } of Object.values(services)) expect(security_opt).toContain('no-new-privileges:true')
})

test('none of ours writes to its image', () => {
  for (const { name, read_only } of built) expect(read_only, name).toBe(true)
})

test('each service that stays is asked for its health, ours without a program that its image lacks', () => {
  for (const [name, { healthcheck, command, build }] of Object.entries(services)) {
    // The provisioner ends; whether it did well is its exit code.
    if (command?.includes('demo/src/provisioner/main.ts')) continue
    expect(healthcheck.disable, name).toBeUndefined()
    expect(healthcheck.test?.slice(0, build ? 2 : 1), name).toEqual(build ? ['CMD', 'node'] : ['CMD'])
  }
})

test('nothing is published beyond this machine', () => {
  const published = Object.values(services).flatMap(({ ports = [] }) => ports)
  expect(published.length).toBeGreaterThan(0)
  for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:/)
})

test('whoever needs the sidecar or loopback stands in the namespace of the gateway', () => {
  for (const name of ['sidecar', 'identity-server', 'upstream', 'provisioner']) {
    expect(services[name]?.network_mode, name).toBe('service:gateway')
  }
})

test('no secret stands in the file', () => {
  const secrets = built
    .flatMap(({ environment = {} }) => Object.entries(environment))
    .filter(([name]) => /SECRET|KEYS|PASSWORD/.test(name))
  expect(secrets.length).toBeGreaterThan(1)
  for (const [name, value] of secrets) expect(String(value), name).toMatch(/^\$\{[A-Z_]+:\?.+\}$/)
})

test('each folder of packages is copied, or the lock file would not fit', () => {
  const { workspaces } = JSON.parse(read('package.json')) as { workspaces: string[] }
  for (const workspace of workspaces)
    expect(targets.get('base')).toContain(`COPY ${workspace}/package.json ${workspace}/`)
})
