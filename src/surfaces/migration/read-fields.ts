/** The fields of a request body or query, of which null means: not there. */
import { FieldReader, type Problems } from '#kernel/field-reader.ts';

/** An absent body has no fields. What is unknown is ignored, as the document of this API says. */
export function readFields(
  raw: unknown,
  known: readonly string[],
  problems: Problems,
): FieldReader {
  const isMap = typeof raw === 'object' && raw !== null && !Array.isArray(raw);
  const given = isMap
    ? Object.fromEntries(
        Object.entries(raw).filter(([, value]) => value !== null && value !== undefined),
      )
    : (raw ?? {});
  const rules = { known, problems, isRoot: true, ignoresUnknown: true };
  return FieldReader.over(given, 'the request body', rules);
}
