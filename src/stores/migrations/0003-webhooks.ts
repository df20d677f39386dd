import type { Migration } from './migration.ts';

export const webhooks: Migration = {
  version: 3,
  name: 'webhooks',
  async up() {},
};
