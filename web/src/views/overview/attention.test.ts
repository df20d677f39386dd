import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Alert } from '#web/api/alerts.ts';
import type { ServerListed, ServerSource } from '#web/api/server-shapes.ts';
import { listAttention } from './attention.ts';

const SOURCE: ServerSource = {
  ...{ kind: 'exporter', label: 'exporter http://a:9100', last_answer: '2026-01-01T00:00:00.000Z' },
  ...{ response_time_ms: 1, error: null, failures: 0 },
};

function server(id: string, fields: Partial<ServerListed>): ServerListed {
  return {
    ...{ id, name: id.toUpperCase(), roles: ['any'], origin: 'api', sources: [SOURCE], alerts: 0 },
    ...{ status: 'online', last_updated: null, uptime_seconds: null, reasons: [] },
    ...{ cpu_usage: null, memory_usage: null, gpu_usage: null, average_usage_percent: null },
    ...{ filesystem_count: 0, vm_count: 0, running_vms: 0, response_time_ms: null },
    ...fields,
  };
}

const HOT: Alert = {
  ...{ rule_id: 'temperature', rule_name: 'temperature', state: 'firing', severity: 'critical' },
  ...{ subject: 'x', comparison: '>', threshold: 90, value: 92.5, since: '2026-01-01T00:00:00Z' },
  ...{
    labels: { server: 'a', sensor: 'cpu', job: 'drover' },
    description: '',
    silenced_until: null,
  },
};

describe('what needs attention', () => {
  it('is nothing where all is well', () => {
    assert.deepEqual(listAttention([server('a', {})], []), []);
  });

  it('is said once of a server that is offline, though a rule says so too', () => {
    const labels = { server: 'a', status: 'offline' };
    const rule = { ...HOT, rule_id: 'server-offline', rule_name: 'server-offline', labels };
    const down = server('a', { status: 'offline', reasons: ['refused'] });
    assert.deepEqual(
      listAttention([down, server('b', {})], [rule, HOT]).map(({ key }) => key.split(' ')[0]),
      ['offline', 'alert'],
    );
    assert.equal(listAttention([server('a', {})], [rule]).length, 1);
  });

  it('is about this host where a rule names no server', () => {
    const here = server('b', { sources: [{ ...SOURCE, kind: 'local' }] });
    const [found] = listAttention([server('a', {}), here], [{ ...HOT, labels: {} }]);
    assert.equal(found?.server, 'b');
  });

  it('is told with its reason, the gravest first', () => {
    const failing = { ...SOURCE, error: 'refused' };
    const listed = listAttention(
      [
        server('a', { status: 'warning', reasons: ['1 alert firing'] }),
        server('b', { status: 'warning', sources: [failing] }),
        server('c', { status: 'offline', reasons: ['it did not answer'], sources: [failing] }),
      ],
      [
        { ...HOT, silenced_until: '2027-01-01T00:00:00Z', rule_name: 'known' },
        { ...HOT, state: 'pending', rule_name: 'soon' },
        HOT,
      ],
    );
    assert.deepEqual(
      listed.map(({ kind, what, why, server: id }) => [kind, what, why, id]),
      [
        ['error', 'C does not answer', 'it did not answer', 'c'],
        ['error', 'temperature', '92.5 > 90 · sensor=cpu', 'a'],
        ['warning', 'exporter http://a:9100 fails', 'refused', 'b'],
        ['idle', 'known', '92.5 > 90 · sensor=cpu', 'a'],
        ['idle', 'soon', '92.5 > 90 · sensor=cpu', 'a'],
      ],
    );
  });

  it('leads to no server that is not watched', () => {
    const [alert] = listAttention([], [HOT]);
    assert.equal(alert?.server, undefined);
  });
});
