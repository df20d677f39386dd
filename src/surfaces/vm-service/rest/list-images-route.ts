/** `GET /v1/images`: what machines can be made of. They are the operator's, and for everybody. */
import type { FastifyInstance } from 'fastify';
import { toIsoTime } from '#kernel/clock.ts';
import type { VmServiceParts } from '#surfaces/vm-service/vm-service-parts.ts';

export function registerListImages(
  app: FastifyInstance,
  { offeredImages }: Pick<VmServiceParts, 'offeredImages'>,
): void {
  app.get('/v1/images', async () => ({
    images: (await offeredImages()).map(({ name, description, builtAt, sizeBytes, config }) => ({
      ...{ name, description, size_bytes: sizeBytes, config },
      built_at: builtAt === undefined ? null : toIsoTime(builtAt),
    })),
  }));
}
