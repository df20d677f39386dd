/** A file that is sent as it is. Of `fetch` one does not hear how far it is, of this one does. */
import { TEXT } from '#web/text/en.ts';
import { ApiError, answerToError } from './api-error.ts';

export interface SendFileOptions {
  readonly path: string;
  readonly file: Blob;
  readonly signal: AbortSignal;
  readonly onProgress: (sentBytes: number) => void;
}

/** Rejects with an ApiError. */
export async function sendFile({ path, file, signal, onProgress }: SendFileOptions): Promise<void> {
  const request = new XMLHttpRequest();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
  request.addEventListener('load', () => {
    const { status } = request;
    if (status >= 200 && status < 300) resolve();
    else reject(answerToError(status, new Headers(), parse(request.responseText)));
  });
  request.addEventListener('error', () => reject(lost()));
  request.addEventListener('abort', () => reject(lost()));
  signal.addEventListener('abort', () => request.abort());
  request.open('PUT', path);
  request.setRequestHeader('content-type', 'application/octet-stream');
  request.send(file);
  await promise;
}

function lost(): ApiError {
  return new ApiError({ kind: 'offline', status: 0, message: TEXT.errors.offline });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
