/**
 * The Connect protocol in JSON, for services whose code is in gen/. Import this from views that are
 * loaded when they are opened: the messages' runtime is not part of the first load.
 */
import { create, fromJson, toJson } from '@bufbuild/protobuf';
import type {
  DescMethodServerStreaming,
  DescMethodUnary,
  JsonValue,
  MessageInitShape,
  MessageShape,
  DescMessage,
} from '@bufbuild/protobuf';
import { answerToError } from './api-error.ts';
import { request, sendJson, type RequestOptions } from './http.ts';
import { readFrames, toFrame } from './rpc-frames.ts';

const LENIENT = { ignoreUnknownFields: true };
const STREAM_DEADLINE_MS = 24 * 60 * 60 * 1000;

/** `callRpc(VmService.method.listVms, { pageSize: 100 })`. */
export async function callRpc<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I>,
  options: RequestOptions = {},
): Promise<MessageShape<O>> {
  const body = toJson(method.input, create(method.input, input));
  const answer = await sendJson<JsonValue>('POST', pathOf(method), body, options);
  return fromJson(method.output, answer, LENIENT);
}

/** Each message as it comes; ends with the stream, throws an ApiError when that fails. */
export async function* streamRpc<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  input: MessageInitShape<I>,
  signal: AbortSignal,
): AsyncGenerator<MessageShape<O>> {
  const body = JSON.stringify(toJson(method.input, create(method.input, input)));
  const headers = { 'content-type': 'application/connect+json' };
  const init = { method: 'POST', headers, body: toFrame(body) };
  const response = await request(pathOf(method), init, { signal, deadlineMs: STREAM_DEADLINE_MS });
  if (response.body === null) return;
  for await (const { isEnd, text } of readFrames(response.body)) {
    const json = JSON.parse(text) as JsonValue;
    if (!isEnd) {
      yield fromJson(method.output, json, LENIENT);
      continue;
    }
    const failure =
      typeof json === 'object' && json !== null && 'error' in json ? json.error : null;
    if (failure !== null && failure !== undefined) {
      throw answerToError(200, response.headers, failure);
    }
    return;
  }
}

function pathOf({ parent, name }: DescMethodUnary | DescMethodServerStreaming): string {
  return `/${parent.typeName}/${name}`;
}
