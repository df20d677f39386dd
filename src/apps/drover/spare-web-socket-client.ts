/**
 * Keeps Node from loading its fetch and WebSocket client when all that is asked for is a server.
 * A module that imports node:http is given all it exports, and three of its exports load that
 * client when they are read: 2 MB that nothing here uses.
 */

export function spareWebSocketClient(): void {
  const http = process.getBuiltinModule('node:http');
  for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent'])
    Reflect.deleteProperty(http, name);
}
