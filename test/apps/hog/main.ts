/** `/heap?mib=N` and `/buffers?mib=N` take so much memory and keep it. */
const MIB = 1024 * 1024;
const kept: unknown[] = [];

export default {
  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    const mib = Number(searchParams.get('mib'));
    for (let taken = 0; taken < mib; taken += 1) {
      if (pathname === '/buffers') kept.push(new Uint8Array(MIB).fill(1));
      if (pathname === '/heap') kept.push(Array.from({ length: MIB / 8 }, (_, at) => at + 0.5));
    }
    return Response.json(process.memoryUsage());
  },
};
