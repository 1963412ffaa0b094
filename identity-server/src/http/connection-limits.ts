/** What one connection may take, on every port that clients reach. */
export const connectionLimits = {
  /** ms: the longest that a client may take to send its request; answers that wait (long polling) are not meant. */
  requestTimeout: 10_000,
  /** ms after which a connection that nothing comes or goes through is closed: later than load balancers close theirs. */
  connectionTimeout: 72_000,
  /** One timer for each connection, not one for each pause between two requests. */
  keepAliveTimeout: 0,
  /** Bytes. */
  maxHeaderSize: 16 * 1024,
} as const
