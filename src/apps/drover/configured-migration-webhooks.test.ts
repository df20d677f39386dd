import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { JobEvent } from '#events/event.ts';
import type { JobId } from '#kernel/ids.ts';
import { CONFIGURED_SCOPE } from '#surfaces/migration/webhooks/find-webhook.ts';
import { configuredFormat } from '#surfaces/migration/webhooks/migration-format.ts';
import { testSecretBox } from '#test/webhook-fixture.ts';
import { WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { openSecrets } from '#webhooks/webhook-secrets.ts';
import { fitConfiguredWebhooks } from './configured-migration-webhooks.ts';
import type { Entries } from './config-entries.ts';

const URL = 'https://hooks.example.com/notify';
const VARIABLES = { DROVER_SECRET_HOOK: 'from-the-variable' };
const FAILED: JobEvent = {
  ...{ kind: 'job.failed', machineId: undefined, customerId: undefined },
  ...{ jobId: 'job-1' as JobId, jobKind: 'migration', subject: 'DC0/vm/a', name: undefined },
  ...{ batchId: undefined, scheduleId: undefined, attempt: 1, message: '' },
  ...{ durationMs: 1, error: 'it failed', errorKind: 'internal' },
};

class Started implements AsyncDisposable {
  readonly engine: WebhookEngineFixture;
  readonly directory: string;

  private constructor(engine: WebhookEngineFixture, directory: string) {
    this.engine = engine;
    this.directory = directory;
  }

  static async open(): Promise<Started> {
    const engine = await WebhookEngineFixture.open({ formats: [configuredFormat] });
    return new Started(engine, await mkdtemp(join(tmpdir(), 'drover-configured-')));
  }

  async fit(...entries: Entries[number][]) {
    const webhooks = this.engine.webhooks;
    await fitConfiguredWebhooks({ entries, variables: VARIABLES, webhooks });
    return await this.engine.service.list(CONFIGURED_SCOPE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true });
  }
}

describe('fitConfiguredWebhooks', () => {
  it('registers each once, and keeps its id and its place over a restart', async () => {
    await using started = await Started.open();
    const [first] = await started.fit({ url: URL, events: ['job.failed'] });
    await started.engine.emit(FAILED);
    await started.engine.until(() => started.engine.sender.sent.length === 1);
    const again = await started.fit({ url: URL, events: 'job.failed', timeout: 7 });
    assert.deepEqual(
      again.map(({ id, timeoutMs, registeredAt }) => [id, timeoutMs, registeredAt]),
      [[first?.id, 7000, first?.registeredAt]],
    );
    await using elsewhere = await Started.open();
    assert.equal((await elsewhere.fit({ url: URL }))[0]?.id, first?.id);
  });

  it('removes what is gone from there, and tells two for one URL apart', async () => {
    await using started = await Started.open();
    const both = await started.fit(
      { url: URL, events: ['job.failed'] },
      { url: URL, events: ['job.completed'] },
    );
    assert.equal(new Set(both.map(({ id }) => id)).size, 2);
    const left = await started.fit({ url: `${URL}/other`, enabled: false });
    assert.deepEqual(
      left.map(({ url, isEnabled }) => [url, isEnabled]),
      [[`${URL}/other`, false]],
    );
    const [enabled] = await started.fit({ url: `${URL}/other` });
    assert.equal(enabled?.isEnabled, true);
    assert.deepEqual(await started.fit(), []);
  });

  it('reads secrets where an entry refers to them', async () => {
    await using started = await Started.open();
    const file = join(started.directory, 'token');
    await writeFile(file, 'Bearer from-the-file\n');
    const [webhook] = await started.fit({
      url: URL,
      secret: { env: 'DROVER_SECRET_HOOK' },
      headers: { Authorization: { file }, 'X-Plain': 'as it is' },
    });
    assert.ok(webhook !== undefined);
    assert.deepEqual(openSecrets(testSecretBox, webhook), {
      secret: 'from-the-variable',
      headers: { Authorization: 'Bearer from-the-file', 'X-Plain': 'as it is' },
    });
    assert.doesNotMatch(JSON.stringify(webhook), /from-the/);
  });

  const refused: readonly (readonly [what: string, entry: Entries[number], text: RegExp])[] = [
    ['no URL', {}, /^migration.webhooks\[0\]: url: is missing/],
    ['a name that is near one', { url: URL, event: 'x' }, /\[0\].event: .* did you mean events/],
    ['a secret of another kind', { url: URL, secret: { vault: 'x' } }, /\[0\].secret: must be a/],
    ['an unset variable', { url: URL, secret: { env: 'HOME' } }, /secret.env: .*DROVER_SECRET_/],
    ['no file', { url: URL, headers: { A: { file: '/no/such' } } }, /headers.A.file: .*ENOENT/],
    ['a relative path', { url: URL, secret: { file: 'x' } }, /secret.file: must be an absolute/],
  ];
  for (const [what, entry, text] of refused) {
    it(`refuses an entry with ${what}, by its place`, async () => {
      await using started = await Started.open();
      await assert.rejects(started.fit(entry), { kind: 'invalid_argument', message: text });
    });
  }
});
