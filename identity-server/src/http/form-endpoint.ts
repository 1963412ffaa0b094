/**
 * Endpoints that take a form, as they see a request and answer it: so little that Fastify's objects fit, and those of the
 * express lane as well.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { Form } from '../form.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The form that the body was parsed into. */
    form: Form | null
  }
}

export interface FormRequest
  extends Pick<FastifyRequest, 'id' | 'method' | 'url' | 'params' | 'headers' | 'raw' | 'form' | 'traceId'> {
  log: Pick<FastifyBaseLogger, 'error' | 'debug'>
  routeOptions: { url?: string | undefined }
}

export interface FormReply {
  code(status: number): FormReply
  header(name: string, value: string): FormReply
  headers(values: Readonly<Record<string, string>>): FormReply
  type(contentType: string): FormReply
  /** Ends the answer: with text as it is, with anything else as JSON. */
  send(body?: unknown): unknown
}

export type FormEndpoint = (request: FormRequest, reply: FormReply) => Promise<unknown>

/** Where such endpoints are made known. */
export interface FormRoutes {
  /** @param path begins with `/:auth_server/` */
  post(path: string, endpoint: FormEndpoint): unknown
}
