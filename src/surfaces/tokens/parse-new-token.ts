/** What is asked for of a new token. Whose it may be is for the service to judge. */
import { SCOPES } from '#access/principal.ts';
import type { NewToken } from '#access/token-service.ts';
import { duration, oneOf, textMatching } from '#kernel/field-kinds.ts';
import { FieldReader, Problems } from '#kernel/field-reader.ts';
import { DAY_MS, MINUTE_MS } from '#kernel/units.ts';

const FIELDS = ['name', 'scope', 'customer_id', 'expires_in'];
const LONGEST_MS = 3650 * DAY_MS;

const text = textMatching('a text', () => true);

export function parseNewToken(body: unknown, nowMs: number): NewToken {
  const problems = new Problems();
  const fields = FieldReader.over(body, 'the token', { known: FIELDS, problems, isRoot: true });
  const name = fields.require('name', text, '');
  const scope = fields.require('scope', oneOf(SCOPES), 'read-only');
  const customerId = fields.optional('customer_id', text);
  const lifeMs = fields.optional('expires_in', duration(MINUTE_MS, LONGEST_MS));
  problems.throwAny('the token cannot be made');
  return {
    ...{ name, scope },
    ...(customerId !== undefined && { customerId }),
    ...(lifeMs !== undefined && { expiresAt: nowMs + lifeMs }),
  };
}
