/** What one connection may take, on every port that clients reach. */
export const connectionLimits = {
  /** ms: the longest that a client may take to send its request; answers that wait (long polling) are not meant. */
  requestTimeout: 10_000,
  /** ms */
  connectionTimeout: 60_000,
  /** ms */
  keepAliveTimeout: 72_000,
  /** Bytes. */
  maxHeaderSize: 16 * 1024,
} as const
