/** `POST /jobs/preflight`: what stands in the way of a job, without submitting it. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import { callerSignal } from '#surfaces/edge/caller-signal.ts';
import type { MigrationParts } from '#surfaces/migration/migration-parts.ts';
import { answeringSource } from '#surfaces/migration/vms/ask-source.ts';
import { jobWarnings } from './job-warnings.ts';

export function registerPreflight(app: FastifyInstance, parts: MigrationParts): void {
  app.post('/jobs/preflight', async ({ body }, reply) => {
    const signal = callerSignal(reply);
    const findings = await answeringSource(() => parts.preflight(body, signal));
    const counts = { error: 0, warning: 0, info: 0 };
    for (const { severity } of findings) counts[severity] += 1;
    const warnings = jobWarnings(body);
    return {
      ok: counts.error === 0,
      errors: counts.error,
      warning_count: counts.warning,
      findings: findings.map(({ code, severity, subject, message, remedy }) => ({
        ...{ code, severity, subject: subject ?? null, message, remedy: remedy ?? null },
      })),
      ...(warnings.length > 0 && { warnings }),
      timestamp: toIsoTime(parts.clock.nowMs()),
    };
  });
}
