import type { Migration } from './migration.ts';

export const thresholdRules: Migration = {
  version: 4,
  name: 'threshold rules',
  async up() {},
};
