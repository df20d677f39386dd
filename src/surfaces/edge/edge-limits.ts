/** What one client may ask of a listener. Every number here is a bound that is enforced. */
import { MIB, MINUTE_MS, SECOND_MS } from '#kernel/units.ts';

export interface EdgeLimits {
  /** Longest request body; a route can set its own `bodyLimit`. */
  readonly bodyBytes: number;
  readonly headerBytes: number;
  readonly headerCount: number;
  readonly connections: number;
  /** WebSockets among the connections: fewer, so that requests have room beside them. */
  readonly upgradedConnections: number;
  /** From the connection (and the TLS handshake) to the first bytes of a request. */
  readonly firstBytesTimeoutMs: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. Answers may take longer. */
  readonly requestTimeoutMs: number;
  /** An HTTP/1.1 connection without a request. */
  readonly keepAliveTimeoutMs: number;
  /** An HTTP/2 connection without a stream. */
  readonly http2IdleTimeoutMs: number;
  readonly http2Streams: number;
  /** Buffers of one HTTP/2 connection. */
  readonly http2SessionMemoryMib: number;
  /** Requests and streams under way when a drain begins are cut after this. */
  readonly drainMs: number;
}

export const DEFAULT_EDGE_LIMITS: EdgeLimits = {
  bodyBytes: 4 * MIB,
  headerBytes: 16 * 1024,
  headerCount: 100,
  connections: 10_000,
  upgradedConnections: 8000,
  firstBytesTimeoutMs: 10 * SECOND_MS,
  headersTimeoutMs: 10 * SECOND_MS,
  requestTimeoutMs: 30 * SECOND_MS,
  keepAliveTimeoutMs: 65 * SECOND_MS,
  http2IdleTimeoutMs: 5 * MINUTE_MS,
  http2Streams: 128,
  http2SessionMemoryMib: 16,
  drainMs: 8 * SECOND_MS,
};
