/** The shapes of answers that no proto file describes. */

const STATUS = { type: 'string', enum: ['healthy', 'degraded', 'unhealthy'] };

export const HEALTH_SCHEMA = {
  type: 'object',
  required: ['status', 'timestamp', 'version', 'backend', 'system', 'checks'],
  properties: {
    status: STATUS,
    timestamp: { type: 'string', format: 'date-time' },
    version: { type: 'string' },
    backend: { type: 'object', properties: { type: { type: 'string' }, status: STATUS } },
    system: {
      type: 'object',
      properties: {
        uptime_seconds: { type: 'integer' },
        memory_usage_mb: { type: 'number' },
        cpu_usage_percent: { type: 'number' },
      },
    },
    checks: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: {
          status: STATUS,
          duration_ms: { type: 'number' },
          timestamp: { type: 'string', format: 'date-time' },
        },
      },
    },
  },
};

export const ERROR_SCHEMA = {
  type: 'object',
  required: ['code', 'message', 'details', 'request_id'],
  properties: {
    code: { type: 'string', description: 'One of the kinds in docs/errors.md' },
    message: { type: 'string' },
    details: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          '@type': { type: 'string' },
          reason: { type: 'string' },
          domain: { type: 'string' },
          metadata: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
    },
    request_id: { type: 'string' },
  },
};
