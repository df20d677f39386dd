/** Waits for the end of what vSphere does in the background. */
import { openDeadline } from '#kernel/abort.ts';
import { MINUTE_MS } from '#kernel/units.ts';
import type { XmlNode } from '#kernel/xml-writer.ts';
import type { XmlElement } from '#kernel/xml.ts';
import { expectReference } from './managed-object.ts';
import { watchProperties } from './property-collector.ts';
import type { VSphereSession } from './session.ts';
import { readMethodFault } from './vsphere-fault.ts';

const DEFAULT_TIMEOUT_MS = 10 * MINUTE_MS;

/**
 * Starts the task and answers what it resulted in, if in anything. The signal ends the waiting and
 * not the task: what was begun on the source is not left half done.
 */
export async function runTask(
  session: VSphereSession,
  node: XmlNode,
  signal: AbortSignal,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<XmlElement | undefined> {
  const started = await session.change(node, signal);
  const task = expectReference(started.child('returnval'), 'the task');
  using deadline = openDeadline(session.clock, timeoutMs, node.name, signal);
  const stateOf = (info: XmlElement | undefined) => info?.textOf('state');
  const ended = await watchProperties(
    session,
    { object: task, paths: ['info'] },
    (properties) => ['success', 'error'].includes(stateOf(properties.element('info')) ?? ''),
    deadline.signal,
  );
  const info = ended.element('info');
  if (stateOf(info) === 'error') throw readMethodFault(info?.child('error'), node.name);
  return info?.child('result');
}
