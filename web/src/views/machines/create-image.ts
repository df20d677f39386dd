/** Images that operators offer, and how a machine is made of one: by its `config`, as it stands. */
import type { JsonObject } from '@bufbuild/protobuf';
import { useQuery } from '@tanstack/react-query';
import { getJson } from '#web/api/http.ts';
import { queryKeys } from '#web/api/query-keys.ts';

export interface OfferedImage {
  readonly name: string;
  readonly description: string;
  readonly config: JsonObject;
}

interface Sizes {
  readonly vcpus: string;
  readonly memoryMib: string;
}

const MIB = 1024 * 1024;

export function useImages() {
  return useQuery({
    queryKey: queryKeys.images,
    queryFn: ({ signal }) =>
      getJson<{ readonly images: readonly OfferedImage[] }>('/v1/images', { signal }),
    staleTime: 60_000,
  });
}

/** What it is made with when nothing else is said; what the image leaves open stays. */
export function sizesOf({ config }: OfferedImage): Partial<Sizes> {
  const vcpus = numberIn(config['cpu'], ['vcpu_count', 'vcpuCount']);
  const bytes = numberIn(config['memory'], ['size_bytes', 'sizeBytes']);
  return {
    ...(vcpus !== undefined && { vcpus: String(vcpus) }),
    ...(bytes !== undefined && { memoryMib: String(Math.round(bytes / MIB)) }),
  };
}

/** JSON of this kind has large numbers as texts as well. */
function numberIn(part: unknown, names: readonly string[]): number | undefined {
  if (typeof part !== 'object' || part === null) return undefined;
  const found = Object.entries(part).find(([name]) => names.includes(name));
  const number = Number(found?.[1] ?? Number.NaN);
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}
