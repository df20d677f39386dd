/** How far an upload is, at which pace, and how long it still takes: one line for a terminal. */
import { formatLeft } from '#apps/drover/migrate/job-frame.ts';
import { formatBytes, SECOND_MS } from '#kernel/units.ts';

export interface UploadProgress {
  readonly sentBytes: number;
  readonly totalBytes: number;
  readonly elapsedMs: number;
}

export function uploadToText({ sentBytes, totalBytes, elapsedMs }: UploadProgress): string {
  const total = formatBytes(totalBytes);
  // The server has yet to check it, or to bring it to its disk.
  if (sentBytes >= totalBytes) return `${total} sent, waiting for the server`;
  const perSecond = elapsedMs === 0 ? 0 : (sentBytes * SECOND_MS) / elapsedMs;
  const pace = `${formatBytes(sentBytes)} of ${total}, ${formatBytes(Math.round(perSecond))}/s`;
  if (perSecond === 0) return pace;
  return `${pace}, ${formatLeft((totalBytes - sentBytes) / perSecond)} left`;
}
