/** The way out: one HTTP request, guarded against addresses that nobody may be made to call. */

export interface OutgoingRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly timeoutMs: number;
}

export type SendOutcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** As the receiver wrote it. */
      readonly retryAfter: string | undefined;
      readonly answerStart: string;
      readonly latencyMs: number;
    }
  /** There was no answer. The text is for the owner of the subscription. */
  | { readonly kind: 'failed'; readonly error: string; readonly latencyMs: number };

export interface WebhookSender extends AsyncDisposable {
  /** Throws only when the signal aborts; whatever else goes wrong is an outcome. */
  send(request: OutgoingRequest, signal: AbortSignal): Promise<SendOutcome>;
  /**
   * Why this URL can never be called, as far as that shows without looking a name up; undefined
   * when it may be. What a name stands for is judged at each connection.
   */
  refusalOf(url: URL): string | undefined;
}
