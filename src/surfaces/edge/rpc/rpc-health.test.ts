import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '#gen/grpc/health/v1/health_pb.js';
import { openTestRpcServer } from '#test/rpc-server.ts';
import type { ServiceHealth, ServiceStatus } from './rpc-health.ts';

/** Health that a test sets. */
class FakeHealth implements ServiceHealth {
  readonly #statuses = new Map<string, ServiceStatus>([['', 'serving']]);
  readonly #listeners = new Set<() => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  status(service: string): ServiceStatus {
    return this.#statuses.get(service) ?? 'unknown';
  }

  subscribe(onChange: () => void): Disposable {
    this.#listeners.add(onChange);
    return { [Symbol.dispose]: () => void this.#listeners.delete(onChange) };
  }

  set(service: string, status: ServiceStatus): void {
    this.#statuses.set(service, status);
    for (const listener of this.#listeners) listener();
  }
}

describe('the gRPC health service', () => {
  it('answers anyone how the server and each service is', async () => {
    const health = new FakeHealth();
    health.set('vmprovisioner.v1.VmService', 'not_serving');
    await using server = await openTestRpcServer({ health });
    for (const transport of [
      createGrpcTransport({ baseUrl: server.url }),
      createConnectTransport({ baseUrl: server.url, httpVersion: '1.1' }),
    ]) {
      const client = createClient(Health, transport);
      assert.equal((await client.check({})).status, ServingStatus.SERVING);
      const service = 'vmprovisioner.v1.VmService';
      assert.equal((await client.check({ service })).status, ServingStatus.NOT_SERVING);
      await assert.rejects(
        () => client.check({ service: 'no.such.Service' }),
        (thrown) => ConnectError.from(thrown).code === Code.NotFound,
      );
    }
  });

  it('tells a watcher each change once, and lets go of it when it leaves', async () => {
    const health = new FakeHealth();
    await using server = await openTestRpcServer({ health });
    const client = createClient(Health, createGrpcTransport({ baseUrl: server.url }));
    const leaving = new AbortController();
    const answers = client.watch({ service: 'a' }, { signal: leaving.signal });
    const iterator = answers[Symbol.asyncIterator]();
    const next = async () => (await iterator.next()).value?.status;
    assert.equal(await next(), ServingStatus.SERVICE_UNKNOWN);
    health.set('a', 'serving');
    assert.equal(await next(), ServingStatus.SERVING);
    health.set('b', 'serving');
    health.set('a', 'not_serving');
    assert.equal(await next(), ServingStatus.NOT_SERVING);
    assert.equal(health.listeners, 1);
    leaving.abort();
    await assert.rejects(next, (thrown) => ConnectError.from(thrown).code === Code.Canceled);
    await server.drain();
    assert.equal(health.listeners, 0);
  });
});
