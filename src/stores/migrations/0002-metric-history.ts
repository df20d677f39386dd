import type { Migration } from './migration.ts';

export const metricHistory: Migration = {
  version: 2,
  name: 'metric history',
  async up() {},
};
