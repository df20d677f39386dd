/** In place of what could not be loaded: the server's own words, and another try. */
import { toApiError } from '#web/api/api-error.ts';
import { TEXT } from '#web/text/en.ts';
import { Button } from './Button.tsx';
import { Icon } from './Icon.tsx';

export interface ErrorStateProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

export function ErrorState({ error, onRetry }: ErrorStateProps) {
  const { message, facts } = toApiError(error);
  return (
    <div className="state" role="alert">
      <h2>
        <span className="tone-error">
          <Icon name="error" />
        </span>{' '}
        {TEXT.errors.title}
      </h2>
      <p>{message}</p>
      {facts.requestId !== undefined && (
        <p className="quiet">{TEXT.errors.requestId(facts.requestId)}</p>
      )}
      {onRetry !== undefined && (
        <div className="actions">
          <Button icon="refresh" onClick={onRetry}>
            {TEXT.retry}
          </Button>
        </div>
      )}
    </div>
  );
}
