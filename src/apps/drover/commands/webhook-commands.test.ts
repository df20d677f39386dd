import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import { migrationFormat } from '#surfaces/migration/webhooks/migration-format.ts';
import { openMigrationCommands } from '#test/migration-command.ts';
import { WebhookEngineFixture } from '#test/webhook-engine-fixture.ts';
import { answered } from '#test/webhook-fixture.ts';

const URL = 'https://hooks.example.com/notify';

async function openCommands() {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(await WebhookEngineFixture.open({ formats: [migrationFormat] }));
  const webhooks = { service: engine.service, sender: engine.sender };
  const commands = stack.use(await openMigrationCommands({ parts: { webhooks } }));
  const owned = stack.move();
  return { ...commands, engine, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

describe('drover webhooks', () => {
  it('add, list and remove them', async () => {
    await using commands = await openCommands();
    const none = await commands.drover('webhooks', 'list');
    assert.equal(none.notes, 'no webhooks yet; make one with: drover webhooks add URL\n');
    const added = await commands.drover(
      ...['webhooks', 'add', URL, '--event', 'job.failed', '--event', 'job.completed'],
      ...['--header', 'X-Team=blue', '--timeout', '5s', '--retries', '3'],
    );
    assert.equal(added.exitCode, 0, added.notes);
    const id = added.out.trim();
    assert.equal(added.notes, `try it with: drover webhooks test ${id}\n`);
    await commands.drover('webhooks', 'add', `${URL}/2`);
    const { out } = await commands.drover('webhooks', 'list');
    assert.match(
      out,
      new RegExp(`^\\d +${id} +api +on +job\\.failed,job\\.completed +${URL}$`, 'm'),
    );
    assert.match(out, / on +all +https:\/\/\S+\/2$/m);
    const byIndex = await commands.drover('webhooks', 'remove', '0');
    assert.equal(byIndex.exitCode, 2);
    assert.match(byIndex.notes, /ID: must be an id/);
    assert.equal((await commands.drover('webhooks', 'remove', id)).out, `removed ${id}\n`);
    const gone = await commands.drover('webhooks', 'remove', id);
    assert.equal(gone.exitCode, 3);
    assert.match(gone.notes, /\n {2}see drover webhooks list\n$/);
  });

  it('keep secrets out of the arguments', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'drover-webhook-'));
    await using _ = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
    const [secret, token] = [join(directory, 'secret'), join(directory, 'token')];
    await writeFile(secret, 'a secret to sign by\n');
    await writeFile(token, 'Bearer 123\n');
    await using commands = await openCommands();
    const added = await commands.drover(
      ...['webhooks', 'add', URL, '--secret-file', secret, '--header', `Authorization=@${token}`],
      '--json',
    );
    assert.equal(added.exitCode, 0, added.notes);
    const webhook = JSON.parse(added.out) as { signed: boolean; id: string };
    assert.equal(webhook.signed, true);
    await commands.drover('webhooks', 'test', webhook.id);
    assert.match(JSON.stringify(commands.engine.sender.sent), /Bearer 123/);
  });

  it('test one that is registered, or any URL, and fail where it is not taken', async () => {
    await using commands = await openCommands();
    const taken = await commands.drover('webhooks', 'test', URL);
    assert.equal(taken.exitCode, 0, taken.notes);
    assert.match(taken.out, /^taken: 2\d\d, in \d+ ms\n$/);
    commands.engine.sender.behave = () => answered(500);
    const refused = await commands.drover('webhooks', 'test', URL, '--event', 'job.failed');
    assert.equal(refused.exitCode, 8);
    assert.match(refused.notes, /^drover: it was not taken: /);
  });
});
