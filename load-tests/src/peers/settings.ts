/** What the peer's process and the scenarios that attack it must agree on. */
export const peer = {
  client: { id: 'load-client', secret: 'a-secret-as-long-as-one-of-ours-is-43-chars' },
  scope: 'read',
  resource: 'https://upstream.example/',
} as const
