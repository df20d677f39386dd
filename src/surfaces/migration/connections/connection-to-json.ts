/** Connections as this API answers them, never with a password. */
import { toIsoTime } from '#kernel/clock.ts';
import type { ConnectionView } from '#transfers/connection-service.ts';

export interface ConnectionParams {
  readonly Params: { readonly name: string };
}

export function connectionToJson(connection: ConnectionView): object {
  const { trust } = connection;
  return {
    name: connection.name,
    type: connection.kind,
    vcenter_url: connection.url,
    username: connection.username,
    has_password: connection.hasPassword,
    datacenter: connection.datacenter ?? null,
    insecure: trust.isInsecure,
    thumbprint: trust.thumbprint ?? null,
    ca: trust.ca ?? null,
    created_at: toIsoTime(connection.createdAt),
    updated_at: toIsoTime(connection.updatedAt),
  };
}
