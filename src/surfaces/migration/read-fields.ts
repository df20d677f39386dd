/** The fields of a request body or query, of which null means: not there. */
import { FieldReader, type Problems } from '#kernel/field-reader.ts';

/** An absent body has no fields. What is unknown is ignored, as the document of this API says. */
export function readFields(
  raw: unknown,
  known: readonly string[],
  problems: Problems,
): FieldReader {
  const rules = { known, problems, isRoot: true, isLenient: true };
  return FieldReader.over(raw ?? {}, 'the request body', rules);
}
